/** A block of lines that changes in place on a terminal. Only lines that differ are written. */
export type Redraw = {
  /** Shows these lines in place of the last ones. Longer than the screen: its last rows win. */
  show(lines: readonly string[]): void;
  /** Leaves the block as it is; what is written next stands below it. */
  release(): void;
};

export type Screen = {
  write(text: string): unknown;
  readonly rows?: number;
};

const up = (lines: number): string => (lines > 0 ? `\u001b[${lines}A` : '');
const CLEAR_LINE = '\u001b[2K';
const CLEAR_BELOW = '\u001b[0J';
const ROWS_UNKNOWN = 24;

export function createRedraw(screen: Screen): Redraw {
  let shown: readonly string[] = [];
  return {
    show(all) {
      // One row stays free: a full screen would scroll, and the block would no longer be where it was.
      const lines = all.slice(-Math.max(1, (screen.rows ?? ROWS_UNKNOWN) - 1));
      let text = `\r${up(shown.length)}`;
      for (const [at, line] of lines.entries()) {
        text += line === shown[at] ? '\n' : `${CLEAR_LINE}${line}\n`;
      }
      screen.write(`${text}${CLEAR_BELOW}`);
      shown = lines;
    },
    release() {
      shown = [];
    },
  };
}
