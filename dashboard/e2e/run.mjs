// Drives the page in a browser against a willet of its own.
//   node e2e/run.mjs --binary PATH [--screenshots DIR] [--only WORD]
//   node e2e/run.mjs --url http://127.0.0.1:8000      against one that runs (leaves out what needs a restart)
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { launch } from './browser.mjs';
import { CHECKS } from './checks.mjs';
import { screenshots } from './screenshots.mjs';
import { givenServer, history, ownServer, post } from './server.mjs';

const { values: options } = parseArgs({
  options: { binary: { type: 'string' }, url: { type: 'string' }, screenshots: { type: 'string' }, only: { type: 'string' } },
});
if (!options.binary === !options.url) {
  console.error('usage: node e2e/run.mjs (--binary PATH | --url URL) [--screenshots DIR] [--only WORD]');
  process.exit(2);
}

const CHECK_MS = 120_000;
const server = options.url ? givenServer(options.url) : await ownServer(options.binary);
let failed = 0;
let browser;
try {
  await server.start();
  browser = await launch();
  for (const { name, restarts, run, before } of CHECKS) {
    if (options.only && !name.includes(options.only) && !before) continue;
    if (restarts && !server.canRestart) {
      console.log(`skip  ${name} (needs --binary)`);
      continue;
    }
    const began = Date.now();
    try {
      await limited(run({ browser, server, url: server.url, post: (events) => post(server.url, events), history }));
      console.log(`ok    ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed++;
      console.log(`FAIL  ${name}: ${String(error?.message ?? error).split('\n').slice(0, 6).join(' | ')}`);
    }
    for (const context of browser.contexts()) await context.close();
  }
  if (options.screenshots) {
    fs.mkdirSync(options.screenshots, { recursive: true });
    console.log(`${await screenshots(browser, server.url, options.screenshots)} screenshots in ${options.screenshots}`);
  }
} catch (error) {
  failed++;
  console.log(`FAIL  ${error?.message ?? error}\n${server.log()}`);
} finally {
  await browser?.close();
  await server.stop();
  if (failed) console.log(`the server's last words:\n${server.log()}`);
  server.remove();
}
console.log(failed ? `${failed} failed` : 'all passed');
process.exit(failed ? 1 : 0);

function limited(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${CHECK_MS / 1000} s`)), CHECK_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
