import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fittingPreset, readRange, refreshMs, toFixed, windowAround, windowOf } from '../src/range.ts';
import { changed, href, parsePlace, sourceHref } from '../src/router.ts';

const HOSTILE = ['<img src=x onerror=alert(1)>', 'line/3/oven', 'a?b#c', '100%', '..', ' ', 'ключ', 'javascript:alert(1)'];

for (const key of HOSTILE) {
  test(`the key ${key} survives the address`, () => {
    const url = new URL(sourceHref(key, 'default'), 'http://willet');
    assert.equal(url.origin, 'http://willet');
    // A browser takes `..` out of a path however it is written; such a key is reached by the search.
    if (key === '..') return;
    const { view, params } = parsePlace(url.pathname, url.search);
    assert.deepEqual(view, { name: 'source', key });
    assert.equal(params.get('stream'), 'default');
  });
}

test('paths are views', () => {
  for (const [path, name] of [['/', 'overview'], ['/sources', 'sources'], ['/sources/', 'sources'], ['/alerts', 'alerts'], ['/streams', 'streams'], ['/nothing', 'missing']] as const) {
    assert.equal(parsePlace(path, '').view.name, name, path);
  }
});

test('a lone percent sign typed by hand is taken as it stands', () => {
  assert.deepEqual(parsePlace('/sources/100%', '').view, { name: 'source', key: '100%' });
});

test('empty filters leave the address', () => {
  assert.equal(href({ name: 'sources' }, { q: '', stream: null, cursor: 'x' }), '/sources?cursor=x');
  assert.equal(changed(new URLSearchParams('a=1&b=2'), { a: null, c: 3 }).toString(), 'b=2&c=3');
});

test('a fixed range comes back from the address as it went', () => {
  const params = changed(new URLSearchParams('range=1h&at=2026-01-01T00:00:00Z'), toFixed(1_767_323_045.678, 1_767_326_645));
  assert.deepEqual(readRange(params, '1h'), { kind: 'fixed', from: 1_767_323_045.678, to: 1_767_326_645 });
  assert.equal(params.has('range'), false);
});

test('a range that ends before it begins is not taken', () => {
  assert.equal(readRange(new URLSearchParams('from=2026-01-02&to=2026-01-01'), '1h').kind, 'preset');
});

test('presets follow the clock unless they were stopped', () => {
  const range = readRange(new URLSearchParams('range=15m'), '1h');
  assert.deepEqual(windowOf(range, 10_000), { from: 9_100, to: 10_000 });
  assert.equal(refreshMs(range), 2_000);
  assert.deepEqual(readRange(new URLSearchParams('live=off'), '1h'), { kind: 'preset', preset: '1h', seconds: 3_600, live: false });
  assert.deepEqual(windowOf(readRange(new URLSearchParams('range=all'), '1h'), 1), {});
});

test('the first range of a source fits how often it speaks and when it was last heard', () => {
  const now = 1_000_000_000;
  const every = (seconds: number, last = now) => ({ events: 10_001, first: last - 10_000 * seconds, last });
  assert.equal(fittingPreset(every(1), now), '1h');
  assert.equal(fittingPreset(every(300), now), '24h');
  assert.equal(fittingPreset(every(1, now - 86_400 * 400), now), 'all');
  assert.equal(fittingPreset({ events: 0, first: null, last: null }, now), '1h');
});

test('the window around a moment holds some hundred events', () => {
  const { from, to } = windowAround(1_000, { events: 101, first: 0, last: 100 * 60 });
  assert.equal(to - from, 240 * 60);
});
