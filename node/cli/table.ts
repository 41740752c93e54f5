/**
 * Text tables: two spaces between columns, no lines. Where the width does not do, columns go in the
 * order of their `drop`; then the last column is wrapped, never cut. It is left out where it says
 * nothing, as are columns without a title.
 */
export type Tint = (text: string) => string;

export type Column<Row> = {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** The smallest goes first; absent: stays. */
  readonly drop?: number;
  readonly right?: boolean;
  /** Colors the padded cell. */
  readonly tint?: (row: Row) => Tint;
};

export type TableStyle = { readonly width: number; readonly heading: Tint };

const GAP = '  ';
/** Below this the wrapped column goes on lines of its own. */
const WRAP_MIN = 24;
const INDENT = '    ';

/** Lines without a line feed, none of them padded at its end. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  style: TableStyle,
): readonly string[] {
  const kept = fitting(rows, columns, style.width);
  const widths = kept.map((column) => widthOf(rows, column));
  const heading = kept.map((column, at) => pad(column.title, widths[at] ?? 0, column.right));
  return [
    style.heading(heading.join(GAP).trimEnd()),
    ...rows.flatMap((row) => rowLines(row, kept, widths, style.width)),
  ];
}

/** Words broken into lines of at most `width`; a longer word stays whole. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}

function fitting<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
): readonly Column<Row>[] {
  const filled = columns.filter(
    (column, at) =>
      (column.title !== '' && at < columns.length - 1) ||
      rows.some((row) => column.cell(row) !== ''),
  );
  const droppable = filled.filter((column) => column.drop !== undefined);
  const order = droppable.sort((a, b) => (a.drop ?? 0) - (b.drop ?? 0));
  let kept = filled;
  for (const column of order) {
    if (fixedWidth(rows, kept) <= width) break;
    kept = kept.filter((other) => other !== column);
  }
  return kept;
}

/** Of all columns, the last one counting with what it needs at least. */
function fixedWidth<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): number {
  const widths = columns.map((column) => widthOf(rows, column));
  const last = widths.pop() ?? 0;
  const needed = Math.min(last, WRAP_MIN);
  return widths.reduce((sum, width) => sum + width + GAP.length, needed);
}

function rowLines<Row>(
  row: Row,
  columns: readonly Column<Row>[],
  widths: readonly number[],
  width: number,
): readonly string[] {
  const cells = columns.map((column) => column.cell(row));
  const last = cells.length - 1;
  const before = widths.slice(0, last).reduce((sum, cell) => sum + cell + GAP.length, 0);
  const room = width - before;
  const own = room < WRAP_MIN && (cells[last] ?? '').length > room;
  const folded = wrap(cells[last] ?? '', own ? width - INDENT.length : Math.max(room, 1));
  const first = columns.map((column, at) => {
    const text = at < last ? (cells[at] ?? '') : own ? '' : (folded[0] ?? '');
    const padded = pad(
      text,
      at < last || column.right === true ? (widths[at] ?? 0) : 0,
      column.right,
    );
    return text.trim() === '' ? padded : (column.tint?.(row)(padded) ?? padded);
  });
  const rest = own ? folded : folded.slice(1);
  const indent = own ? INDENT : ' '.repeat(before);
  return [first.join(GAP).trimEnd(), ...rest.map((line) => `${indent}${line}`)];
}

function widthOf<Row>(rows: readonly Row[], column: Column<Row>): number {
  return rows.reduce((most, row) => Math.max(most, column.cell(row).length), column.title.length);
}

function pad(text: string, width: number, right: boolean | undefined): string {
  return right === true ? text.padStart(width) : text.padEnd(width);
}
