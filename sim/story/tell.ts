/**
 * A run as a story: what was done to the cluster, and of all that its hosts said and did only what led
 * to the violation. Made for a tape that has been shrunk; a long run is told by its end.
 */
import type { Options } from '../options.ts';
import type { RunOptions } from '../run.ts';
import type { Tape } from '../tape.ts';
import { playInFull } from './full-course.ts';
import { clock, LATE_US, type Line, WEIGHT } from './line.ts';
import { linesOf } from './lines.ts';
import { subjectOf } from './subject.ts';

/** With the first and the last. */
const LINES_MAX = 30;
/** So that something can be told of what the hosts made of them. */
const DEEDS_MAX = 12;

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

const ONCE: ReadonlySet<Line['weight']> = new Set([WEIGHT.last, WEIGHT.deed, WEIGHT.farDeed]);

/** What is said over and over in the same words, but for times, is told once, at its last time. */
function folded(lines: readonly Line[]): readonly Line[] {
  const groups = Map.groupBy(lines, (line) =>
    ONCE.has(line.weight) ? line : `${line.weight} ${line.text.replaceAll(TIME, '')}`,
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const last = group.at(-1);
    if (first === undefined || last === undefined || group.length === 1) return group;
    const since = last.at - first.at > LATE_US ? ` since ${clock(first.at)}` : '';
    return [{ ...last, text: `${last.text} (${group.length} times${since}, here the last)` }];
  });
}

const TIME = /\d+\.\d{3} s/g;

/** In the same order: by weight, the latest first; of many deeds only so many before all else. */
function weightiest(lines: readonly Line[], max: number): readonly Line[] {
  const deeds = lines.filter(({ weight }) => weight === WEIGHT.deed).slice(0, -DEEDS_MAX);
  const weightOf = (line: Line): number => (deeds.includes(line) ? WEIGHT.farDeed : line.weight);
  const ranked = lines.toReversed().toSorted((a, b) => weightOf(a) - weightOf(b));
  const kept = new Set(ranked.slice(0, max));
  return lines.filter((line) => kept.has(line));
}

function world(options: Options): string {
  const { hostCount, voterCount, lossPermille, duplicatePermille, tailPermille } = options;
  const { transport, gossip, discovery } = options;
  const voters = voterCount === 1 ? 'h1 founds the cluster' : `h1 to h${voterCount} vote`;
  const traits = [
    `${hostCount} ${hostCount === 1 ? 'host' : 'hosts'}`,
    voters,
    ...(options.witness === true ? [`h${hostCount} is a witness`] : []),
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
