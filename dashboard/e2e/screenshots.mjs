// A picture of each view, light and dark; overview and source also as on a phone.
import path from 'node:path';
import { DESKTOP, openPage, PHONE } from './browser.mjs';
import { post } from './server.mjs';

export async function screenshots(browser, url, folder) {
  await trainAnew(url, 'pump-7');
  const alerts = await (await fetch(`${url}/api/v1/alerts?limit=1`)).json();
  const streams = await (await fetch(`${url}/api/v1/streams`)).json();
  const alert = alerts.items[0]?.id ?? '';
  const views = {
    overview: '/',
    sources: '/sources',
    source: '/sources/pump-7?range=1h',
    alerts: `/alerts?state=open,acknowledged,resolved&alert=${encodeURIComponent(alert)}`,
    streams: `/streams?stream=${encodeURIComponent(streams.items[0]?.name ?? '')}`,
  };
  let taken = 0;
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, viewport] of [['desktop', DESKTOP], ['phone', PHONE]]) {
      const { context, page } = await openPage(browser, { viewport, colorScheme });
      for (const [name, view] of Object.entries(views)) {
        if (device === 'phone' && !['overview', 'source'].includes(name)) continue;
        await page.goto(url + view);
        await page.waitForTimeout(2_500);
        await page.screenshot({ path: path.join(folder, `${name}-${colorScheme}-${device}.png`), fullPage: device === 'phone' });
        taken++;
      }
      await context.close();
    }
  }
  return taken;
}

/** So that there is a training to be seen: asks for it, and feeds the quiet rows that it waits for. */
async function trainAnew(url, source) {
  const key = `${url}/api/v1/keys/${source}`;
  await fetch(`${key}/retrain?stream=default`, { method: 'POST' });
  const seconds = 60;
  const start = Date.now() - seconds * 1000;
  const noise = (n) => (((Math.sin(n) * 43_758.5453) % 1) + 1) % 1 - 0.5;
  const row = (n) => ({ temperature: 66 + 3 * noise(n) + 2 * noise(n + 0.3), vibration: 0.3 + 0.04 * noise(n + 0.6) });
  await post(
    url,
    Array.from({ length: seconds * 5 }, (_, n) => ({ source, timestamp: new Date(start + n * 200).toISOString(), values: row(n) })),
  );
  const isOver = async () => (await (await fetch(`${key}?stream=default`)).json()).retrains.at(-1)?.state === 'done';
  for (let tries = 0; tries < 50 && !(await isOver()); tries++) await new Promise((done) => setTimeout(done, 100));
}
