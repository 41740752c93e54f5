/**
 * A run as a story: what was done to the cluster, and of all that its hosts said and did only what led
 * to the violation. Made for a tape that has been shrunk; a long run is told by its end.
 */
import type { Options } from '../options.ts';
import type { RunOptions } from '../run.ts';
import type { Tape } from '../tape.ts';
import { playInFull } from './full-course.ts';
import { clock, type Line, WEIGHT } from './line.ts';
import { linesOf } from './lines.ts';
import { subjectOf } from './subject.ts';

/** With the first and the last. */
const LINES_MAX = 30;
/** So that something can be told of what they did. */
const DEEDS_MAX = 16;

/** One line each; empty if nothing goes wrong. `look`: what the run is to be watched for besides. */
export function tellStory(tape: Tape, look?: RunOptions['look']): readonly string[] {
  const course = playInFull(tape, look);
  const { verdict } = course.outcome;
  if (verdict.kind === 'passed') return [];
  const lines = inOrder(folded(linesOf(course, subjectOf(verdict, course))));
  const kept = weightiest(lines, LINES_MAX - 3);
  const omitted = lines.length - kept.length;
  return [
    world(tape.options),
    ...kept.map(({ at, text }) => `${clock(at).padStart(11)}  ${text}`),
    ...(omitted === 0 ? [] : [`             (${omitted} more that had less to do with it)`]),
    `${clock(course.endedAt).padStart(11)}  ${verdict.rule}: ${verdict.text}`,
  ];
}

const inOrder = (lines: readonly Line[]): readonly Line[] => lines.toSorted((a, b) => a.at - b.at);

/** What is said in the same words over and over is told once, at its last time. */
function folded(lines: readonly Line[]): readonly Line[] {
  const groups = Map.groupBy(lines, (line) =>
    line.weight === WEIGHT.deed ? line : `${line.weight} ${line.text}`,
  );
  return [...groups.values()].flatMap((group) => {
    const last = group.at(-1);
    if (last === undefined || group.length === 1) return group;
    return [{ ...last, text: `${last.text} (${group.length} times, here the last)` }];
  });
}

/** In the same order: the latest deeds, then the decisive lines, then the others, the latest first. */
function weightiest(lines: readonly Line[], max: number): readonly Line[] {
  const deeds = lines.filter(({ weight }) => weight === WEIGHT.deed).slice(-DEEDS_MAX);
  const others = lines
    .filter(({ weight }) => weight !== WEIGHT.deed)
    .toReversed()
    .toSorted((a, b) => a.weight - b.weight);
  const kept = new Set([...deeds, ...others].slice(0, max));
  return lines.filter((line) => kept.has(line));
}

function world(options: Options): string {
  const { hostCount, voterCount, lossPermille, duplicatePermille, tailPermille } = options;
  const { transport, gossip, discovery } = options;
  const voters = voterCount === 1 ? 'h1 founds the cluster' : `h1 to h${voterCount} vote`;
  const traits = [
    `${hostCount} ${hostCount === 1 ? 'host' : 'hosts'}`,
    voters,
    ...(lossPermille > 0 ? ['some messages are lost'] : []),
    ...(duplicatePermille > 0 ? ['some are doubled'] : []),
    ...(tailPermille > 0 ? ['some are late'] : []),
    ...(options.fsyncMs > 3 ? ['disks are slow at times'] : []),
    ...(transport === 'stream' ? ['over streams'] : []),
    ...(gossip === 'mesh' ? ['gossip over a mesh'] : []),
    ...(discovery === 'mdns' ? ['hosts find each other by mDNS'] : []),
    ...clocks(options),
  ];
  return `   ${traits.join(', ')}`;
}

function clocks({ ratesPermille }: Options): readonly string[] {
  return ratesPermille.flatMap((rate, index) =>
    rate === 0
      ? []
      : [`the clock of h${index + 1} runs ${Math.abs(rate) / 10} % ${rate > 0 ? 'fast' : 'slow'}`],
  );
}
