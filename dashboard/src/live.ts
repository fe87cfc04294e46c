/** The live socket: what it says, and coming back to where it was after it broke. */
import type { Alert, Drift, Statistics, Verdict } from './wire.ts';

export type Topic = 'anomalies' | 'alerts' | 'statistics' | 'drift' | 'predictions';

export interface Position {
  epoch: string;
  offset: number;
}

interface Sent<Type extends string, Data> extends Position {
  type: Type;
  topic: Topic;
  data: Data;
}

export type DataMessage =
  | Sent<'anomaly', Verdict>
  | Sent<'alert', Alert>
  | Sent<'statistics', Statistics>
  | Sent<'drift', Drift>
  | Sent<'prediction', Verdict>;

export type LostReason = 'slow' | 'gone' | 'epoch';

export type ServerMessage =
  | { type: 'welcome'; version: string; topics: Partial<Record<Topic, Position>> }
  | DataMessage
  | { type: 'lost'; topic: Topic; count: number | null; reason: LostReason }
  | { type: 'pong' }
  | { type: 'error'; code: string; detail: string };

const TYPES: ReadonlySet<string> = new Set(['welcome', 'anomaly', 'alert', 'statistics', 'drift', 'prediction', 'lost', 'pong', 'error']);

/** A newer server may send types this page does not know; they are left alone. */
export function parseMessage(text: string): ServerMessage | null {
  try {
    const message = JSON.parse(text) as { type?: unknown } | null;
    return typeof message?.type === 'string' && TYPES.has(message.type) ? (message as ServerMessage) : null;
  } catch {
    return null;
  }
}

/** What a close code means. Codes that are not here are failures of the way, and are tried again. */
const CLOSE_CODES: ReadonlyMap<number, { final: boolean; words: string }> = new Map([
  [1000, { final: false, words: 'the server ended the connection' }],
  [1001, { final: false, words: 'the server is stopping' }],
  [1008, { final: false, words: 'the server refused a message' }],
  [1011, { final: false, words: 'the server failed' }],
  [1012, { final: false, words: 'the server is starting again' }],
  [1013, { final: false, words: 'the server has too much to do' }],
  [4401, { final: true, words: 'the token is missing or not valid' }],
  [4403, { final: true, words: 'this token may not read live data' }],
]);

export const isFinalClose = (code: number): boolean => CLOSE_CODES.get(code)?.final ?? false;
export const closeWords = (code: number): string => CLOSE_CODES.get(code)?.words ?? 'the connection broke';

export type LinkState =
  | { name: 'connecting'; attempt: number }
  | { name: 'open' }
  | { name: 'waiting'; until: number; attempt: number; words: string }
  | { name: 'closed'; code: number; words: string };

/** The part of a WebSocket that is used, so that tests can stand in for it. */
export interface Socket {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export interface LinkOptions {
  url: string;
  topics: readonly Topic[];
  token: () => string | null;
  dial: (url: string, protocols: string[]) => Socket;
  onMessage: (message: ServerMessage) => void;
  onState: (state: LinkState) => void;
  now?: () => number;
  random?: () => number;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** Statistics come every second, so silence this long means the way is dead; a ping is tried first. */
const SILENCE_MS = 10_000;
const DEAD_MS = 20_000;
/** Statistics are replaced by the next second's; what was missed of them is of no use. */
const RESUMED: ReadonlySet<Topic> = new Set<Topic>(['anomalies', 'alerts', 'drift']);

/** Waits twice as long each time, with half of it random so that pages do not come back all at once. */
export function backoffMs(attempt: number, random: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  return Math.max(FIRST_WAIT_MS, longest / 2 + (longest / 2) * random);
}

export class LiveLink {
  readonly positions = new Map<Topic, Position>();
  #socket: Socket | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #heardAt = 0;
  readonly #now: () => number;
  readonly #random: () => number;

  constructor(private readonly options: LinkOptions) {
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
  }

  start(): void {
    this.stop();
    this.#attempt = 0;
    this.#dial();
  }

  /** Does not wait for the countdown. */
  retryNow(): void {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#dial();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close(1000);
    }
  }

  address(): string {
    const query = new URLSearchParams({ topics: this.options.topics.join(',') });
    const resume = [...this.positions].filter(([topic]) => RESUMED.has(topic)).map(([topic, at]) => `${topic}:${at.epoch}:${at.offset}`);
    if (resume.length > 0) query.set('resume', resume.join(','));
    return `${this.options.url}?${query}`;
  }

  #dial(): void {
    this.options.onState({ name: 'connecting', attempt: this.#attempt });
    const token = this.options.token();
    const protocols = token ? ['willet.v1', `willet.token.${token}`] : ['willet.v1'];
    let socket: Socket;
    try {
      socket = this.options.dial(this.address(), protocols);
    } catch {
      // A token with characters that a sub-protocol may not have.
      this.options.onState({ name: 'closed', code: 4401, words: closeWords(4401) });
      return;
    }
    this.#socket = socket;
    this.#heardAt = this.#now();
    socket.onmessage = ({ data }) => {
      this.#heardAt = this.#now();
      const message = typeof data === 'string' ? parseMessage(data) : null;
      if (message) this.#take(message);
    };
    socket.onclose = ({ code }) => this.#closed(code);
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.#check(), 5_000);
  }

  #take(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#attempt = 0;
        this.#welcome(message.topics);
        this.options.onState({ name: 'open' });
        break;
      case 'anomaly':
      case 'alert':
      case 'statistics':
      case 'drift':
      case 'prediction':
        this.positions.set(message.topic, { epoch: message.epoch, offset: message.offset });
        break;
      case 'lost':
      case 'pong':
      case 'error':
        break;
      default:
        message satisfies never;
    }
    this.options.onMessage(message);
  }

  /** A topic of the same epoch is about to be sent from where this page was, so its position stays. */
  #welcome(topics: Partial<Record<Topic, Position>>): void {
    for (const [topic, next] of Object.entries(topics) as [Topic, Position][]) {
      if (this.positions.get(topic)?.epoch === next.epoch) continue;
      if (next.offset > 0) this.positions.set(topic, { epoch: next.epoch, offset: next.offset - 1 });
      else this.positions.delete(topic);
    }
  }

  #closed(code: number): void {
    this.#socket = null;
    clearInterval(this.#watch);
    if (isFinalClose(code)) {
      this.options.onState({ name: 'closed', code, words: closeWords(code) });
      return;
    }
    const wait = backoffMs(this.#attempt++, this.#random());
    this.options.onState({ name: 'waiting', until: this.#now() + wait, attempt: this.#attempt, words: closeWords(code) });
    this.#timer = setTimeout(() => this.#dial(), wait);
  }

  #check(): void {
    const silent = this.#now() - this.#heardAt;
    const socket = this.#socket;
    if (!socket || silent < SILENCE_MS) return;
    if (silent < DEAD_MS) {
      try {
        socket.send('{"type":"ping"}');
      } catch {
        // Still connecting; the next look closes it.
      }
      return;
    }
    // A socket whose way is dead may take minutes to say so.
    socket.onmessage = socket.onclose = null;
    socket.close();
    this.#closed(1006);
  }
}
