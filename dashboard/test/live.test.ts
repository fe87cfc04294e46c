import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { backoffMs, isFinalClose, LiveLink, parseMessage, type LinkState, type ServerMessage, type Socket } from '../src/live.ts';

class FakeSocket implements Socket {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  sent: string[] = [];
  closed = false;
  constructor(
    readonly url: URL,
    readonly protocols: string[],
  ) {}
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.closed = true;
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  break(code = 1006) {
    this.onclose?.({ code });
  }
}

function linked(token: string | null = null) {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const sockets: FakeSocket[] = [];
  const states: LinkState[] = [];
  const messages: ServerMessage[] = [];
  const link = new LiveLink({
    url: 'ws://willet/ws',
    topics: ['anomalies', 'alerts', 'statistics'],
    token: () => token,
    dial: (url, protocols) => {
      const socket = new FakeSocket(new URL(url), protocols);
      sockets.push(socket);
      return socket;
    },
    onMessage: (message) => messages.push(message),
    onState: (state) => states.push(state),
    random: () => 0,
  });
  link.start();
  const last = () => sockets.at(-1)!;
  return { link, sockets, states, messages, last };
}

const welcome = (epoch: string, offset: number) => ({
  type: 'welcome',
  version: '0.1.0',
  topics: { anomalies: { epoch, offset }, alerts: { epoch, offset: 0 }, statistics: { epoch, offset: 7 } },
});
const anomaly = (epoch: string, offset: number) => ({ type: 'anomaly', topic: 'anomalies', epoch, offset, data: { id: `default/0/${offset}` } });

function withTimers(name: string, body: () => void): void {
  test(name, () => {
    try {
      body();
    } finally {
      mock.timers.reset();
    }
  });
}

withTimers('comes back with the epoch and offset of the last message of each topic', () => {
  const { last } = linked();
  assert.equal(last().url.searchParams.get('resume'), null);
  last().say(welcome('5f3c', 123));
  last().say(anomaly('5f3c', 123));
  last().say(anomaly('5f3c', 124));
  last().break();
  mock.timers.tick(1_000);
  assert.equal(last().url.searchParams.get('resume'), 'anomalies:5f3c:124');
});

withTimers('what was there at the welcome is resumed from, also when nothing came', () => {
  const { last } = linked();
  last().say(welcome('5f3c', 123));
  last().break();
  mock.timers.tick(1_000);
  assert.equal(last().url.searchParams.get('resume'), 'anomalies:5f3c:122');
});

withTimers('a welcome of the same epoch does not skip what is about to be sent again', () => {
  const { link, last } = linked();
  last().say(welcome('5f3c', 100));
  last().break();
  mock.timers.tick(1_000);
  last().say(welcome('5f3c', 140));
  assert.deepEqual(link.positions.get('anomalies'), { epoch: '5f3c', offset: 99 });
});

withTimers('another epoch starts anew', () => {
  const { link, last, messages } = linked();
  last().say(welcome('5f3c', 100));
  last().break();
  mock.timers.tick(1_000);
  last().say(welcome('aaaa', 3));
  last().say({ type: 'lost', topic: 'anomalies', count: null, reason: 'epoch' });
  assert.deepEqual(link.positions.get('anomalies'), { epoch: 'aaaa', offset: 2 });
  assert.deepEqual(messages.at(-1), { type: 'lost', topic: 'anomalies', count: null, reason: 'epoch' });
});

withTimers('waits longer each time, and from the start after a welcome', () => {
  const { states, last } = linked();
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    last().break();
    const state = states.at(-1);
    assert.equal(state?.name, 'waiting');
    const wait = state.until - Date.now();
    waits.push(wait);
    mock.timers.tick(wait);
  }
  assert.deepEqual(waits, [1_000, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  last().say(welcome('5f3c', 1));
  last().break();
  const state = states.at(-1);
  assert.equal(state?.name === 'waiting' && state.until - Date.now(), 1_000);
});

withTimers('a refusal is final', () => {
  for (const code of [4401, 4403]) {
    const { states, sockets, last } = linked();
    last().break(code);
    assert.equal(states.at(-1)?.name, 'closed');
    mock.timers.tick(120_000);
    assert.equal(sockets.length, 1);
    mock.timers.reset();
  }
});

withTimers('the token goes as a sub-protocol', () => {
  assert.deepEqual(linked('secret').last().protocols, ['willet.v1', 'willet.token.secret']);
});

withTimers('silence is asked about, then taken for a broken way', () => {
  const { states, last, sockets } = linked();
  last().say(welcome('5f3c', 1));
  const wait = (seconds: number) => {
    for (let i = 0; i < seconds; i += 5) mock.timers.tick(5_000);
  };
  wait(10);
  assert.deepEqual(last().sent, ['{"type":"ping"}']);
  wait(10);
  assert.equal(sockets[0]?.closed, true);
  assert.equal(states.at(-1)?.name, 'waiting');
});

test('the wait lies between one second and thirty', () => {
  for (let attempt = 0; attempt < 40; attempt++) {
    for (const random of [0, 0.5, 1]) {
      const wait = backoffMs(attempt, random);
      assert.ok(wait >= 1_000 && wait <= 30_000, `${attempt} ${random}: ${wait}`);
    }
  }
});

test('what is not a message of this protocol is left alone', () => {
  for (const text of ['', 'null', '[]', '{"type":"new"}', '{', '"x"']) assert.equal(parseMessage(text), null, text);
  assert.equal(isFinalClose(1006), false);
});
