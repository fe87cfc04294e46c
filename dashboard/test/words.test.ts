import assert from 'node:assert/strict';
import { test } from 'node:test';
import { span } from '../src/format.ts';
import type { Window as EventWindow, Retrain } from '../src/wire.ts';
import { became, learned, what, why, windowWords } from '../src/words.ts';

const check = (name: string, call: () => string | undefined, expected: string | undefined) =>
  test(`${name} is ${expected}`, () => assert.equal(call(), expected));

/** Times of day as the page shows them, wherever the test runs. */
const at = (hours: number, minutes: number, ms = 0, day = 5) => new Date(2026, 0, day, hours, minutes, 0, ms).toISOString();
const now = Date.parse(at(12, 0));

check('a minute of today', () => span(at(10, 0), at(10, 1), now), '10:00:00 to 10:01:00');
check('a minute of another day', () => span(at(10, 0), at(10, 1), Date.parse(at(12, 0, 0, 6))), '2026-01-05 10:00:00 to 10:01:00');
check('an hour over midnight', () => span(at(23, 30), at(0, 30, 0, 6), now), '23:30:00 to 2026-01-06 00:30:00');
check('half a second', () => span(at(10, 0), at(10, 0, 500), now), '10:00:00.000 to 10:00:00.500');
check('a window without an end', () => span(at(10, 0), undefined, now), 'from 10:00:00');
check('a window without a beginning', () => span(undefined, at(10, 0), now), 'until 10:00:00');
check('a window without times', () => span(undefined, undefined, now), undefined);

const minute: EventWindow = { begin: at(10, 0), end: at(10, 1), events: 7 };
const words = (more: Partial<EventWindow>) => windowWords({ ...minute, ...more }, now);
check('a bucket', () => words({}), '10:00:00 to 10:01:00, 7 events');
check('a silent bucket', () => words({ events: 0 }), '10:00:00 to 10:01:00, 0 events');
check('a corrected bucket', () => words({ revision: 2 }), '10:00:00 to 10:01:00, 7 events, corrected by late events (revision 2)');
check('a bucket after a silence', () => words({ left_out: 15 }), '10:00:00 to 10:01:00, 7 events, 15 silent buckets left out before');
check('a window that is cut', () => words({ is_cut: true }), '10:00:00 to 10:01:00, 7 events, some events left out, there were too many');
check('a window of samples without times', () => windowWords({ events: 100 }, now), '100 events');

const training: Retrain = { sample_count: 1_200, reason: 'drift', action: 'retrain', rows: 640, state: 'done' };
check('the reason', () => why(training), 'What is normal has changed');
check('the reason of a command', () => why({ ...training, reason: 'command' }), 'Somebody asked for it');
check('a reason of a later version', () => why({ ...training, reason: 'full_moon' as never }), 'full moon');
check('what was done', () => what({ ...training, action: 'incremental' }), 'Learned what it had held to be anomalies');
check('what became of it', () => became({ ...training, state: 'undone' }), 'taken back');
check('rows learned', () => learned(training), '640');
check('no rows kept', () => learned({ ...training, rows: 0 }), '0');
check('rows of a switch', () => learned({ ...training, action: 'switch', rows: 0 }), '–');
