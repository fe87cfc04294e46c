// A picture of each view, light and dark; overview and source also as on a phone.
import path from 'node:path';
import { DESKTOP, openPage, PHONE } from './browser.mjs';

export async function screenshots(browser, url, folder) {
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
