/** How far a long run is: a line that changes on a terminal, a line now and then elsewhere. */
import { createRedraw } from '../redraw.ts';
import { type Cli, note } from '../terminal.ts';

export type Progress = {
  /** Shown if it is time to; `text` is made only then. */
  readonly show: (text: () => string) => void;
  /** Takes the line away. */
  readonly end: () => void;
};

const TERMINAL_MS = 1000;
const ELSEWHERE_MS = 10_000;

export function createProgress(cli: Cli, now: () => number = () => performance.now()): Progress {
  const { stderr } = cli;
  const redraw = stderr.isTTY ? createRedraw(stderr) : undefined;
  const everyMs = redraw === undefined ? ELSEWHERE_MS : TERMINAL_MS;
  let shownAt = now();
  return {
    show(text) {
      if (now() - shownAt < everyMs) return;
      shownAt = now();
      if (redraw === undefined) note(cli, text());
      else redraw.show([text()]);
    },
    end: () => redraw?.show([]),
  };
}

/** `12 of 200, 6 %, 40 s left`; without an end only the first. */
export function howFar(done: number, total: number, passedMs: number): string {
  if (!Number.isFinite(total)) return `${done}`;
  const left = done === 0 ? '' : `, ${Math.ceil((passedMs * (total - done)) / done / 1000)} s left`;
  return `${done} of ${total}, ${Math.floor((100 * done) / total)} %${left}`;
}
