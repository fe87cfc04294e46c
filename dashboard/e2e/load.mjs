// How smooth the overview stays on a busy server: opens it for a while and prints long tasks and memory as JSON.
//   node e2e/load.mjs --url http://127.0.0.1:8000 [--seconds 60]
import { parseArgs } from 'node:util';
import { launch, openPage } from './browser.mjs';

const { values: options } = parseArgs({ options: { url: { type: 'string' }, seconds: { type: 'string', default: '60' } } });
if (!options.url) {
  console.error('usage: node e2e/load.mjs --url URL [--seconds N]');
  process.exit(2);
}

/** Long before and after this the page loads; what it costs then is not what is asked here. */
const SETTLE_MS = 3_000;

const OBSERVE = `
  window.longTasks = [];
  window.frames_ = [];
  new PerformanceObserver((list) => { for (const task of list.getEntries()) window.longTasks.push([task.startTime, task.duration]); }).observe({ type: 'longtask', buffered: true });
  let last = performance.now();
  requestAnimationFrame(function frame(now) { window.frames_.push(now - last); if (window.frames_.length > 100000) window.frames_.length = 0; last = now; requestAnimationFrame(frame); });
`;

const browser = await launch();
const { context, page, troubles } = await openPage(browser, { script: OBSERVE });
const devtools = await context.newCDPSession(page);
await devtools.send('Performance.enable');
await devtools.send('HeapProfiler.enable');

let messages = 0;
await devtools.send('Network.enable');
devtools.on('Network.webSocketFrameReceived', () => messages++);

async function heapBytes() {
  // Twice, for what the first leaves to finalisers.
  for (let i = 0; i < 2; i++) await devtools.send('HeapProfiler.collectGarbage');
  const { metrics } = await devtools.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'JSHeapUsedSize').value;
}

await page.goto(options.url);
await page.waitForTimeout(SETTLE_MS);
const loading = await page.evaluate(() => {
  const tasks = window.longTasks.map(([, ms]) => ms);
  window.longTasks.length = 0;
  window.frames_.length = 0;
  return { long_tasks: tasks.length, max_ms: Math.max(0, ...tasks) };
});
const heapBegin = await heapBytes();
messages = 0;
const began = Date.now();
await page.waitForTimeout(Number(options.seconds) * 1000);
const seconds = (Date.now() - began) / 1000;
const received = messages;
const { tasks, frames, nodes } = await page.evaluate(() => ({
  tasks: window.longTasks.map(([, ms]) => ms),
  frames: window.frames_,
  nodes: document.querySelectorAll('*').length,
}));
const heapEnd = await heapBytes();
await browser.close();

const at = (sorted, share) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] : 0);
tasks.sort((a, b) => a - b);
frames.sort((a, b) => a - b);
console.log(
  JSON.stringify(
    {
      seconds: Math.round(seconds),
      messages_per_second: Math.round(received / seconds),
      long_tasks: { count: tasks.length, p95_ms: at(tasks, 0.95), max_ms: tasks.at(-1) ?? 0 },
      frames: { count: frames.length, p95_ms: Math.round(at(frames, 0.95)), max_ms: Math.round(frames.at(-1) ?? 0) },
      heap_bytes: { begin: heapBegin, end: heapEnd },
      elements: nodes,
      while_loading: loading,
      troubles,
    },
    null,
    2,
  ),
);
