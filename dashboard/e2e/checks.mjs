// Every check, in the order they run: later ones use what earlier ones left on the server.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { openPage, PHONE } from './browser.mjs';
import { HOSTILE, SPIKE, spike } from './server.mjs';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const VIEWS = ['/', '/sources', '/sources/pump-7?range=1h', '/sources/mill-4?range=1h', '/sources/gate-3?stream=counts&range=6h', '/alerts', '/streams'];
const STREAM = 'page-check';
const yaml = (algorithm, contamination = 0.005) => `name: ${STREAM}\ndetector:\n  algorithm: ${algorithm}\ndecision:\n  contamination: ${contamination}\n`;

const json = async (url, path) => (await fetch(url + path)).json();
const sourcePath = (name) => `/sources/${encodeURIComponent(name)}`;

async function eventually(what, test, ms = 15_000) {
  const end = Date.now() + ms;
  let last;
  while (Date.now() < end) {
    last = await Promise.resolve().then(test).catch((error) => error.message);
    if (last === true) return;
    await new Promise((done) => setTimeout(done, 150));
  }
  throw new Error(`${what} did not come within ${ms / 1000} s${typeof last === 'string' ? `: ${last}` : ''}`);
}

/** Waits until `check` no longer throws: the page draws in its own time. */
const soon = (check) => eventually('what was expected', () => check().then(() => true));

const settled = (page) => page.locator('.loading').first().waitFor({ state: 'detached', timeout: 15_000 }).catch(() => {});

async function open(page, url) {
  await page.goto(url);
  await page.locator('main h1').first().waitFor({ state: 'attached' });
  await settled(page);
}

export const CHECKS = [
  {
    name: 'an empty server says how to send the first event',
    restarts: true,
    async run({ browser, url }) {
      const { page, troubles } = await openPage(browser);
      await page.goto(url);
      await page.getByText('No event has come yet.').waitFor();
      assert.match(await page.locator('.copyable code').textContent(), new RegExp(`curl .*${url}/api/v1/events`));
      assert.deepEqual(troubles, []);
    },
  },
  {
    name: 'events are taken',
    before: true,
    async run({ url, post, history }) {
      await post(history());
      await eventually('the sources', async () => (await json(url, '/api/v1/keys?q=pump-7')).items.length === 1);
    },
  },
  {
    name: 'a spike appears on the overview without being asked for',
    before: true,
    async run({ browser, url, post }) {
      const { page, troubles } = await openPage(browser);
      await open(page, url);
      await page.getByText('live', { exact: true }).first().waitFor();
      await post([spike('pump-7')]);
      const newest = page.locator('.feed a').filter({ hasText: 'pump-7' }).first();
      await eventually('the spike', async () => /temperature/.test(await newest.textContent()), 10_000);
      await eventually('its alert', async () => (await page.locator('[aria-labelledby=open-alerts] a').filter({ hasText: 'pump-7' }).count()) > 0);
      await eventually('its cell', async () => (await page.locator('.heat-names a').filter({ hasText: 'pump-7' }).count()) === 1, 25_000);
      await newest.click();
      await eventually('the source view', () => new URL(page.url()).pathname === '/sources/pump-7');
      assert.deepEqual(troubles, []);
    },
  },
  {
    name: 'the source view names the guilty value',
    async run({ browser, url }) {
      const { page, troubles } = await openPage(browser);
      await open(page, `${url}/sources/pump-7?range=1h`);
      await page.locator('.chart canvas').first().waitFor();
      const sentence = page.locator('.sentence').first();
      await eventually('the explanation', async () => new RegExp(`^temperature was ${SPIKE}, expected [\\d.,]+ to [\\d.,]+; \\d+ % of the score\\.$`).test(await sentence.textContent()));
      assert.match(await page.locator('.shares').first().textContent(), /vibration/);
      assert.match(await page.locator('.chart').first().getAttribute('aria-label'), /temperature: from/);
      const known = await json(url, '/api/v1/keys/pump-7');
      assert.ok(known.about, 'the default detector says what it chose');
      await page.locator('.facts').getByText(known.about.split(';')[0].slice(0, 30)).waitFor();
      assert.deepEqual(troubles, []);
    },
  },
  {
    name: 'a change of what is normal is told with the value that changed',
    async run({ browser, url }) {
      const { page, troubles } = await openPage(browser);
      const start = Date.now() / 1000 - 1_600;
      const noise = (row) => Math.sin(row * 12.9898) * 3 + Math.sin(row * 78.233) * 2;
      const rows = Array.from({ length: 1_500 }, (_, row) => ({
        source: 'belt-9',
        timestamp: start + row,
        values: { speed: 100 + noise(row) + (row < 900 ? 0 : 12), load: 40 + noise(row + 500) },
      }));
      const body = rows.map((row) => JSON.stringify(row)).join('\n');
      const answer = await fetch(`${url}/api/v1/events`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body });
      assert.equal(answer.status, 200);
      let found = [];
      await eventually('the drift', async () => {
        found = (await json(url, '/api/v1/drift?source=belt-9')).items;
        return found.length > 0;
      });
      assert.ok('speed' in found[0].features, JSON.stringify(found));
      await open(page, `${url}/sources/belt-9?range=1h`);
      await page.getByRole('heading', { name: 'Changes of what is normal' }).waitFor();
      await page.getByText(/speed by \d+ %/).first().waitFor();
      assert.deepEqual(troubles, []);
    },
  },
  {
    name: 'a source is trained anew and goes back, each time after a question',
    async run({ browser, url, post }) {
      const { page, troubles } = await openPage(browser);
      const key = '/api/v1/keys/mill-4?stream=default';
      const newest = async () => (await json(url, key)).retrains.at(-1)?.state;
      const rows = (from, to) =>
        Array.from({ length: to - from }, (_, i) => ({
          source: 'mill-4',
          timestamp: Date.now() / 1000 - 2_000 + from + i,
          values: { speed: 112 + 3 * Math.sin((from + i) * 12.9898), load: 40 + 2 * Math.sin((from + i) * 78.233) },
        }));
      await post(rows(0, 1_000));
      await eventually('the source', async () => (await json(url, key)).events === 1_000);
      await open(page, `${url}/sources/mill-4?range=1h`);
      const section = page.getByRole('region', { name: 'Trained anew' });
      const back = section.getByRole('button', { name: 'Back to before' });
      const row = section.locator('tbody tr').first();
      await section.getByText('Not since it began to learn.').waitFor();
      await soon(async () => assert.equal(await back.isDisabled(), true));

      await section.getByRole('button', { name: 'Train anew' }).focus();
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog', { name: 'Train mill-4 anew?' });
      await dialog.getByText('the present one answers').waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      assert.equal((await json(url, key)).retrains.length, 0, 'nothing is done without the answer');
      // Esc and Enter at once close it and open it again.
      for (let turn = 0; turn < 20; turn += 1) {
        await page.keyboard.press('Enter');
        await dialog.waitFor();
        await page.keyboard.press('Escape');
      }
      await page.keyboard.press('Enter');
      await dialog.getByRole('button', { name: 'Train it anew' }).click();
      await row.getByText('under way').waitFor();
      await soon(async () => assert.match(await row.textContent(), /after 1,000 samples.*Somebody asked for it.*Trained anew/));

      await post(rows(1_000, 1_800));
      await eventually('the end of the training', async () => (await newest()) === 'done');
      await row.getByText('done', { exact: true }).waitFor();
      await back.click();
      await page.getByRole('dialog', { name: 'Take mill-4 back to before?' }).getByRole('button', { name: 'Go back' }).click();
      await row.getByText('taken back').waitFor();
      await soon(async () => assert.equal(await newest(), 'undone'));
      assert.deepEqual(troubles, []);

      // What the server says against it is shown where it was asked.
      const detail = 'key `mill-4` has nothing to go back to';
      await page.route('**/back?*', (route) => route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify({ status: 409, code: 'conflict', detail }) }));
      await back.click();
      await page.getByRole('dialog').getByRole('button', { name: 'Go back' }).click();
      await page.getByRole('dialog').getByText(detail).waitFor();
    },
  },
  {
    name: 'an anomaly of a bucket shows its window, also a corrected one',
    async run({ browser, url }) {
      const { page, troubles } = await openPage(browser);
      await open(page, `${url}/streams?new`);
      const text = 'name: counts\ndetector: {algorithm: zscore}\ndecision: {threshold: 0.9}\nbucket: {every: minute, what: count, allowed_lateness: 3600, max_silent: 5}\n';
      await page.getByRole('textbox', { name: /as YAML/ }).fill(text);
      await page.getByRole('button', { name: 'Create' }).click();
      const field = page.getByRole('textbox', { name: 'Configuration of counts' });
      await eventually('the bucket', async () => /^bucket:\n( .*\n)*  max_silent: 5\n/m.test(await field.inputValue()));
      await field.fill(`${await field.inputValue()}retrain: {auto_retrain: true}\n`);
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved.').waitFor();
      await eventually('the retraining', async () => /^bucket:\n[^]*^retrain:\n  auto_retrain: true\n/m.test(await field.inputValue()));
      await field.fill((await field.inputValue()).replace(/^bucket:\n( .*\n)*/m, 'windows: {window_type: tumbling, window_size: 100}\n'));
      await page.getByRole('button', { name: 'Save' }).click();
      await eventually('the windows', async () => /^windows:\n( .*\n)*  window_size: 100/m.test(await field.inputValue()));
      await field.fill(text);
      await page.getByRole('button', { name: 'Save' }).click();
      await eventually('the bucket again', async () => (await json(url, '/api/v1/streams/counts')).config.bucket?.every === 60);

      const minute = 60_000;
      const end = Math.floor(Date.now() / minute) * minute;
      const events = (ago, count) => Array.from({ length: count }, (_, n) => ({ source: 'gate-3', timestamp: new Date(end - ago * minute + (n * minute) / count).toISOString(), values: { opened: n % 2 } }));
      const send = async (rows) => {
        const answer = await fetch(`${url}/api/v1/detect?stream=counts`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: rows.map((row) => JSON.stringify(row)).join('\n') });
        assert.equal(answer.status, 200);
        return (await answer.json()).windows ?? [];
      };
      const usual = (ago) => 8 + Math.round(2 * Math.sin(ago * 12.9898));
      const anomalies = async () => (await json(url, '/api/v1/anomalies?stream=counts&source=gate-3&limit=100')).items;
      const quiet = [];
      for (let ago = 300; ago > 60; ago--) quiet.push(...events(ago, usual(ago)));
      await send(quiet);
      // Twenty silent minutes, of which five are told; then a storm.
      await send([...events(40, 90), ...events(39, usual(39))]);
      await eventually('the storm', async () => (await anomalies()).some(({ window }) => window.events === 90 && window.left_out === 15));
      await send(events(38, usual(38)));
      await send([{ ...events(40, 1)[0], timestamp: new Date(end - 40 * minute + 7).toISOString() }]);
      await eventually('the correction', async () => (await anomalies()).some(({ id, window }) => window.revision === 1 && id.endsWith('@1')));

      await open(page, `${url}/sources/gate-3?stream=counts&range=6h`);
      const told = page.locator('.window-of');
      const row = (what) => page.locator('.anomalies tbody tr:not(.detail)').filter({ hasText: what });
      for (const [what, words] of [
        ['count 91', /^Window \d\d:\d\d:00 to \d\d:\d\d:00, 91 events, corrected by late events \(revision 1\)/],
        ['count 90', /^Window \d\d:\d\d:00 to \d\d:\d\d:00, 90 events, 15 silent buckets left out before$/],
      ]) {
        if ((await row(what).locator('[data-row]').getAttribute('aria-expanded')) === 'false') await row(what).locator('[data-row]').click();
        await eventually(what, async () => words.test(await told.textContent()));
      }
      await soon(async () => assert.match(await row('count 91').textContent(), /corrected/));
      await soon(async () => assert.match(await page.locator('.sentence').textContent(), /^count was 90, expected/));

      const { id } = (await anomalies()).find(({ window }) => window.revision === 1);
      assert.equal((await json(url, `/api/v1/anomalies/${encodeURIComponent(id)}`)).id, id);
      const alerts = (await json(url, '/api/v1/alerts?source=gate-3')).items;
      assert.ok(alerts.length > 0, 'the storm opens an alert');
      await open(page, `${url}/alerts?alert=${encodeURIComponent(alerts[0].id)}`);
      await page.locator('.alert .window-of').getByText(/ events/).waitFor();
      await page.locator('.alert .line a').filter({ hasText: 'gate-3' }).click();
      await told.getByText(/ events/).waitFor();
      assert.deepEqual(troubles, []);
    },
  },
  {
    name: 'marks are drawn also where they come after the curve',
    async run({ browser, url }) {
      const { page } = await openPage(browser);
      let answer;
      const held = new Promise((done) => (answer = done));
      await page.route('**/api/v1/anomalies?*', async (route) => {
        await held;
        await route.continue();
      });
      const day = 86_400_000;
      const range = new URLSearchParams({ from: new Date(Date.now() - day).toISOString(), to: new Date(Date.now() + day).toISOString() });
      await page.goto(`${url}/sources/pump-7?${range}`);
      const canvas = page.locator('.chart canvas').first();
      await canvas.waitFor();
      await page.waitForTimeout(1_000);
      const picture = () => canvas.evaluate((element) => element.toDataURL());
      const before = await picture();
      answer();
      await eventually('the marks', async () => (await picture()) !== before);
    },
  },
  {
    name: 'zooming by dragging and the range live in the address',
    async run({ browser, url }) {
      const { page } = await openPage(browser);
      await open(page, `${url}/sources/pump-7?range=1h`);
      const over = page.locator('.u-over').first();
      await over.waitFor();
      const box = await over.boundingBox();
      await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.8, box.y + 40, { steps: 5 });
      await page.mouse.up();
      await eventually('the zoom', () => new URL(page.url()).searchParams.has('from'));
      const zoomed = page.url();
      await page.reload();
      await page.locator('.chart canvas').first().waitFor();
      assert.equal(page.url(), zoomed);
      await soon(async () => assert.equal(await page.getByRole('button', { name: 'Go live' }).count(), 1));
      await page.goBack();
      await eventually('the range before', () => new URL(page.url()).searchParams.get('range') === '1h');
      await soon(async () => assert.equal(await page.getByRole('button', { name: '1 h' }).getAttribute('aria-pressed'), 'true'));
    },
  },
  {
    name: 'filters survive a reload',
    async run({ browser, url }) {
      const { page } = await openPage(browser);
      await open(page, `${url}/sources`);
      await page.locator('[data-search]').fill('pump-8');
      await eventually('the filter', () => new URL(page.url()).searchParams.get('q') === 'pump-8');
      await eventually('the rows', async () => (await page.locator('tbody tr').count()) === 1);
      await page.reload();
      await page.locator('tbody tr').first().waitFor();
      await soon(async () => assert.equal(await page.locator('[data-search]').inputValue(), 'pump-8'));
      await soon(async () => assert.equal(await page.locator('tbody tr').count(), 1));
      await open(page, `${url}/alerts?state=resolved&severity=high`);
      await soon(async () => assert.equal(await page.getByLabel('State').inputValue(), 'resolved'));
      await soon(async () => assert.equal(await page.getByLabel('Severity').inputValue(), 'high'));
    },
  },
  {
    name: 'an alert is acknowledged by clicking',
    async run({ browser, url }) {
      const { page, troubles } = await openPage(browser);
      await open(page, `${url}/alerts`);
      await page.locator('.split .rows a').filter({ hasText: 'pump-7' }).first().click();
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Your name').fill('Ada');
      await dialog.getByLabel('Note').fill('looking at the pump');
      await dialog.getByRole('button', { name: 'Acknowledge' }).click();
      await page.locator('.alert .state.acknowledged').waitFor();
      await eventually('the note', async () => /by Ada.*looking at the pump/.test(await page.locator('.alert .history').first().textContent()));
      const { items } = await json(url, '/api/v1/alerts?state=acknowledged&source=pump-7');
      assert.equal(items[0].acknowledged_by, 'Ada');
      assert.equal(items[0].note, 'looking at the pump');
      assert.deepEqual(troubles, []);
    },
  },
  {
    name: 'a silence is made and ended',
    async run({ browser, url }) {
      const { page } = await openPage(browser);
      await open(page, `${url}/alerts`);
      await page.getByRole('button', { name: 'New silence' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Source').fill('oven-*');
      await dialog.getByLabel('Reason').fill('maintenance');
      await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
      await page.locator('.silences li').filter({ hasText: 'oven-*' }).waitFor();
      assert.equal((await json(url, '/api/v1/silences')).items.filter(({ source }) => source === 'oven-*').length, 1);
      await page.getByRole('button', { name: 'End the silence of oven-*' }).click();
      await page.getByText('Nothing is silenced.').waitFor();
      assert.equal((await json(url, '/api/v1/silences')).items.filter(({ source, until }) => source === 'oven-*' && Date.parse(until) > Date.now()).length, 0);
    },
  },
  {
    name: 'a stream is created, edited as YAML, paused, resumed and deleted',
    async run({ browser, url }) {
      const { page, troubles } = await openPage(browser);
      await open(page, `${url}/streams`);
      await page.getByRole('link', { name: 'New stream' }).click();
      await page.getByRole('textbox', { name: /as YAML/ }).fill(yaml('zscore'));
      await page.getByRole('button', { name: 'Create' }).click();
      const row = page.locator('tbody tr').filter({ hasText: STREAM });
      await row.waitFor();
      await page.getByRole('textbox', { name: `Configuration of ${STREAM}` }).fill(yaml('zscore', 0.01));
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved.').waitFor();
      const stored = await (await fetch(`${url}/api/v1/streams/${STREAM}`, { headers: { accept: 'application/yaml' } })).text();
      assert.match(stored, /contamination: 0\.01\b/);
      await row.getByRole('button', { name: 'Pause' }).click();
      await row.getByText('paused').waitFor();
      await row.getByRole('button', { name: 'Resume' }).click();
      await row.getByText('running').waitFor();
      await row.getByRole('button', { name: 'Delete' }).click();
      assert.match(await page.getByRole('dialog').textContent(), new RegExp(`Delete the stream ${STREAM}`));
      await page.getByRole('button', { name: 'Delete it' }).click();
      await row.waitFor({ state: 'detached' });
      assert.deepEqual(troubles, []);
    },
  },
  {
    name: "wrong YAML shows the server's own message",
    async run({ browser, url }) {
      const { page } = await openPage(browser);
      await open(page, `${url}/streams?new`);
      await page.getByRole('textbox', { name: /as YAML/ }).fill(yaml('zzscore'));
      const answer = page.waitForResponse((response) => response.url().endsWith('/api/v1/streams') && response.request().method() === 'POST');
      await page.getByRole('button', { name: 'Create' }).click();
      const problem = await (await answer).json();
      assert.ok(problem.detail, 'the problem has a detail');
      await eventually('the message', async () => (await page.locator('.editor-side .failure').textContent()).includes(problem.detail));
      assert.ok((await page.locator('.editor-side .failure').textContent()).includes(problem.request_id), 'the request id is shown');
    },
  },
  {
    name: 'names from outside run no script',
    async run({ browser, url, post }) {
      await post(HOSTILE.map((name) => ({ ...spike(name, 150), values: { temperature: 150, vibration: 0.3 } })));
      await eventually('their anomalies', async () => (await json(url, '/api/anomalies?limit=50')).anomalies.filter(({ source }) => HOSTILE.includes(source)).length >= HOSTILE.length);
      const { page, troubles } = await openPage(browser);
      for (const view of [...VIEWS, ...HOSTILE.map(sourcePath)]) {
        await open(page, url + view);
        await page.waitForTimeout(300);
        assert.equal(await page.locator('img, main script, iframe').count(), 0, view);
      }
      for (const name of HOSTILE) {
        await open(page, `${url}/sources`);
        await page.getByRole('link', { name, exact: true }).click();
        await eventually(`the view of ${name}`, async () => (await page.locator('h1').textContent()) === name);
        await eventually(`the title of ${name}`, async () => (await page.title()) === `${name} – Willet`);
        await eventually(`the charts of ${name}`, async () => (await page.locator('.chart canvas').count()) > 0);
        await page.getByRole('button', { name: 'Forget this source' }).click();
        await page.getByRole('dialog').getByText(name).first().waitFor();
        await page.keyboard.press('Escape');
      }
      assert.deepEqual(troubles, []);
    },
  },
  {
    name: 'keys: go to views, search, lists, help, heat map, acknowledge',
    async run({ browser, url, post }) {
      const { page, troubles } = await openPage(browser);
      await open(page, url);
      for (const [key, path] of [['s', '/sources'], ['a', '/alerts'], ['t', '/streams'], ['o', '/']]) {
        await page.keyboard.press('g');
        await page.keyboard.press(key);
        await eventually(path, () => new URL(page.url()).pathname === path);
      }
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Help' }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.keyboard.press('g');
      await page.keyboard.press('s');
      await page.locator('[data-row]').first().waitFor();
      await page.keyboard.press('/');
      await soon(async () => assert.equal(await page.evaluate(() => document.activeElement?.hasAttribute('data-search')), true));
      await page.keyboard.press('Tab');
      await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('k');
      const name = await page.evaluate(() => document.activeElement?.textContent);
      assert.equal(name, await page.locator('[data-row]').first().textContent());
      await page.keyboard.press('Enter');
      await eventually('the row', () => new URL(page.url()).pathname === sourcePath(name));
      await open(page, url);
      await page.locator('.heat-focus').focus();
      for (const key of ['ArrowDown', 'ArrowLeft', 'ArrowUp']) await page.keyboard.press(key);
      await eventually('the told cell', async () => /\d\d:\d\d to \d\d:\d\d: /.test(await page.locator('#heat-cell').textContent()));
      await page.keyboard.press('Enter');
      await eventually('the source of the cell', () => new URL(page.url()).searchParams.has('at'));
      await post([spike('pump-8', 160)]);
      await eventually('the alert', async () => (await json(url, '/api/v1/alerts?state=open&source=pump-8')).items.length > 0);
      const { items } = await json(url, '/api/v1/alerts?state=open&source=pump-8');
      await open(page, `${url}/alerts?alert=${encodeURIComponent(items[0].id)}`);
      await page.locator('[data-acknowledge]').waitFor();
      await page.keyboard.press('a');
      await page.getByRole('dialog', { name: 'Acknowledge this alert' }).waitFor();
      assert.deepEqual(troubles, []);
    },
  },
  {
    name: 'no view is wider than a phone',
    async run({ browser, url }) {
      const { page } = await openPage(browser, { viewport: PHONE });
      for (const view of [...VIEWS, sourcePath(HOSTILE[1]), '/streams?new', `/alerts?alert=${(await json(url, '/api/v1/alerts?limit=1')).items[0].id}`]) {
        await open(page, url + view);
        await page.waitForTimeout(400);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= PHONE.width, `${view} is ${width} px wide`);
        const cut = await page.evaluate(() => [...document.querySelectorAll('main .panel')].filter((panel) => panel.scrollWidth > panel.clientWidth).map((panel) => panel.textContent.slice(0, 30)));
        assert.deepEqual(cut, [], `${view} cuts something off`);
      }
    },
  },
  ...['light', 'dark'].map((colorScheme) => ({
    name: `axe finds nothing against WCAG 2.2 AA (${colorScheme})`,
    async run({ browser, url }) {
      const { page } = await openPage(browser, { colorScheme, script: axe });
      const alert = (await json(url, '/api/v1/alerts?limit=1')).items[0].id;
      const found = [];
      for (const view of [...VIEWS, `/alerts?alert=${encodeURIComponent(alert)}`, '/streams?new', '/nothing/here']) {
        if (view.startsWith('/nothing')) await page.goto(url + view);
        else await open(page, url + view);
        await page.waitForTimeout(500);
        found.push(...(await violations(page)).map((violation) => `${view}: ${violation}`));
      }
      await open(page, url);
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      found.push(...(await violations(page)).map((violation) => `help: ${violation}`));
      assert.deepEqual(found, []);
    },
  })),
  {
    name: 'the theme is switched and remembered',
    async run({ browser, url }) {
      const { page } = await openPage(browser, { colorScheme: 'light' });
      await open(page, url);
      const shade = () => page.evaluate(() => document.documentElement.dataset.theme);
      await soon(async () => assert.equal(await shade(), 'light'));
      await page.getByRole('button', { name: /^Theme: as the system/ }).click();
      await page.getByRole('button', { name: /^Theme: light/ }).click();
      await soon(async () => assert.equal(await shade(), 'dark'));
      await page.reload();
      await page.locator('main').waitFor();
      await soon(async () => assert.equal(await shade(), 'dark'));
    },
  },
  {
    name: 'the API is documented without the network',
    async run({ browser, url }) {
      const { page } = await openPage(browser);
      const outside = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) outside.push(request.url());
      });
      await page.goto(`${url}/docs`);
      await page.locator('.opblock').first().waitFor({ timeout: 30_000 });
      assert.deepEqual(outside, []);
    },
  },
  {
    name: 'a source is forgotten after a question',
    async run({ browser, url }) {
      const { page } = await openPage(browser);
      await open(page, `${url}/sources/oven-2`);
      await page.getByRole('button', { name: 'Forget this source' }).click();
      assert.match(await page.getByRole('dialog').textContent(), /Forget oven-2\?.*cannot be undone/);
      await page.getByRole('button', { name: 'Forget it' }).click();
      await eventually('the list', () => new URL(page.url()).pathname === '/sources');
      assert.equal((await fetch(`${url}/api/v1/keys/oven-2?stream=default`)).status, 404);
    },
  },
  {
    name: 'a server that is away is said, with a countdown, and the page comes back by itself',
    restarts: true,
    async run({ browser, server, url, post }) {
      const { page } = await openPage(browser);
      await open(page, url);
      await page.getByText('live', { exact: true }).first().waitFor();
      await server.stop();
      await page.getByText(/^Not connected: /).waitFor({ timeout: 15_000 });
      await eventually('the countdown', async () => /Trying again( in \d+ s)?\.|attempt \d+/.test(await page.locator('.linkbar').textContent()));
      await server.start();
      await page.getByText(/^Connected again/).waitFor({ timeout: 60_000 });
      await post([spike('oven-1', 170)]);
      await eventually('the next anomaly', async () => (await page.locator('.feed a').filter({ hasText: 'oven-1' }).count()) > 0);
      await page.getByRole('button', { name: 'Close' }).click();
      await soon(async () => assert.equal(await page.locator('.linkbar').count(), 0));
    },
  },
];

async function violations(page) {
  const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
  return result.violations.map(({ id, nodes }) => `${id} (${nodes.length}): ${nodes[0].target.join(' ')} ${nodes[0].failureSummary?.split('\n')[1]?.trim() ?? ''}`);
}
