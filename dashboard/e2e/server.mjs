// A willet of its own for the checks: a free loopback port and an empty data folder that outlives a restart.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

export async function ownServer(binary) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'willet-e2e-'));
  const port = await freePort();
  const config = path.join(folder, 'willet.yaml');
  const log = fs.openSync(path.join(folder, 'log'), 'a');
  fs.writeFileSync(config, `dashboard:\n  host: 127.0.0.1\n  port: ${port}\nstore:\n  data_dir: ${path.join(folder, 'data')}\n`);
  const url = `http://127.0.0.1:${port}`;
  let child;
  const server = {
    url,
    canRestart: true,
    async start() {
      child = spawn(binary, ['run', '--config', config], { stdio: ['ignore', log, log] });
      await until(`${url}/readyz`, () => child.exitCode);
    },
    async stop() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(late);
    },
    remove() {
      fs.closeSync(log);
      fs.rmSync(folder, { recursive: true, force: true });
    },
    log: () => fs.readFileSync(path.join(folder, 'log'), 'utf8').slice(-4_000),
  };
  return server;
}

/** A server that somebody else started; what needs a restart is left out. */
export const givenServer = (url) => ({ url: url.replace(/\/$/, ''), canRestart: false, start: async () => {}, stop: async () => {}, remove() {}, log: () => '' });

async function until(url, exitCode) {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    if (exitCode() !== null) throw new Error(`the server ended with ${exitCode()} before it was ready`);
    const ready = await fetch(url).then((answer) => answer.ok, () => false);
    if (ready) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('the server was not ready after 30 s');
}

function freePort() {
  return new Promise((done) => {
    const probe = net.createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

export async function post(url, events) {
  const answer = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: events.map((event) => JSON.stringify(event)).join('\n'),
  });
  if (!answer.ok) throw new Error(`events were refused: ${answer.status} ${await answer.text()}`);
}

export const HOSTILE = ['<img src=x onerror=alert(1)>', '"><script>alert(2)</script>', 'a/b?c=d&e#f %41', "');alert(3);//"];
export const SPIKE = 140;

/** Quiet values of some sources over the last hour, the same in each run. */
export function history(now = Date.now()) {
  const sources = ['pump-7', 'pump-8', 'oven-1', 'oven-2', ...HOSTILE];
  const events = [];
  let seed = 7;
  const noise = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31 - 0.5;
  };
  for (let ago = 3_600; ago >= 5; ago -= 10) {
    for (const source of sources) {
      events.push({
        source,
        timestamp: new Date(now - ago * 1000).toISOString(),
        values: { temperature: round(66 + 3 * noise() + 2 * noise()), vibration: round(0.3 + 0.04 * noise()) },
      });
    }
  }
  return events;
}

export const spike = (source, temperature = SPIKE) => ({ source, timestamp: new Date().toISOString(), values: { temperature, vibration: 0.3 } });

const round = (x) => Math.round(x * 1000) / 1000;
