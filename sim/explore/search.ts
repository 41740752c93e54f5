/**
 * Walks everything that a bounded configuration can do, breadth first: each state once, so that a
 * space is searched to its end, and the first violation found is one with a shortest schedule.
 */
export type Violation = { readonly rule: string; readonly text: string };

/** A bounded configuration. Everything is pure: the same node has the same moves, in the same order. */
export type Space<Node, Move> = {
  readonly start: Node;
  readonly moves: (node: Node) => readonly Move[];
  readonly after: (node: Node, move: Move) => Node;
  /** Equal for nodes from which the same can happen, up to the names of like hosts. */
  readonly key: (node: Node) => string;
  readonly violation: (node: Node) => Violation | undefined;
  /** One line of a schedule. */
  readonly tell: (node: Node, move: Move) => string;
  /** Rare situations met so far, in words: what was not met was not tested. */
  readonly met: ReadonlySet<string>;
};

export type Progress = {
  /** Different states found, and ways that lead from one to another. */
  readonly states: number;
  readonly transitions: number;
  /** Moves from the start to the farthest state. */
  readonly deepest: number;
};
export type Walk = Progress & {
  /** False: `statesMax` was reached, the rest was not looked at. */
  readonly complete: boolean;
  readonly met: readonly string[];
  readonly violation?: Violation & { readonly schedule: readonly string[] };
};

/** States between two reports. */
const REPORT_EVERY = 100_000;

export function search<Node, Move>(
  space: Space<Node, Move>,
  statesMax: number,
  report: (progress: Progress) => void,
): Walk {
  const { start, moves, after, key, violation } = space;
  const seen = new Set([key(start)]);
  // How each state was first reached: from which one, by which of its moves.
  const parents: number[] = [-1];
  const choices: number[] = [-1];
  let layer: readonly Node[] = [start];
  let first = 0;
  let transitions = 0;
  let deepest = 0;
  const end = (complete: boolean, found?: Walk['violation']): Walk => ({
    states: seen.size,
    transitions,
    deepest,
    complete,
    met: [...space.met].sort(),
    ...(found === undefined ? {} : { violation: found }),
  });
  while (layer.length > 0) {
    const next: Node[] = [];
    for (const [i, node] of layer.entries()) {
      for (const [choice, move] of moves(node).entries()) {
        transitions += 1;
        const reached = after(node, move);
        const print = key(reached);
        if (seen.has(print)) continue;
        seen.add(print);
        parents.push(first + i);
        choices.push(choice);
        next.push(reached);
        const wrong = violation(reached);
        if (wrong !== undefined) {
          deepest += 1;
          const schedule = storyOf(space, parents, choices, parents.length - 1);
          return end(false, { ...wrong, schedule });
        }
        if (seen.size >= statesMax) return end(false);
        if (seen.size % REPORT_EVERY === 0) report({ states: seen.size, transitions, deepest });
      }
    }
    first += layer.length;
    if (next.length > 0) deepest += 1;
    layer = next;
  }
  return end(true);
}

/** The moves that lead to the state of this number, in words. */
function storyOf<Node, Move>(
  { start, moves, after, tell }: Space<Node, Move>,
  parents: readonly number[],
  choices: readonly number[],
  last: number,
): readonly string[] {
  const path: number[] = [];
  for (let at = last; at > 0; at = parents[at] ?? 0) path.push(choices[at] ?? 0);
  const lines: string[] = [];
  let node = start;
  for (const choice of path.reverse()) {
    const move = moves(node)[choice];
    if (move === undefined) return lines;
    lines.push(tell(node, move));
    node = after(node, move);
  }
  return lines;
}
