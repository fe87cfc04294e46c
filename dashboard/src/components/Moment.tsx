/** A time as how long ago it was, with the exact one as its title. */
import { ago, clock } from '../format.ts';
import { nowMs } from '../state.ts';

export const Moment = ({ time, exact = false }: { time: string | undefined; exact?: boolean }) =>
  time ? (
    <time class="num" dateTime={time} title={time}>
      {exact ? clock(time, nowMs.peek()) : ago(time, nowMs.value)}
    </time>
  ) : (
    <span class="muted">–</span>
  );
