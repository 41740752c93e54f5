/** What was done to the cluster from outside, and how much it may have to do with the verdict. */
import { type Micros, ofMillis } from '../event-queue.ts';
import type { HostIndex, Strike } from '../strike.ts';
import type { Deed } from '../tape.ts';
import { asked, hostName, struck } from './deed-words.ts';
import type { DeedDone, FullCourse } from './full-course.ts';
import { type Line, WEIGHT } from './line.ts';
import type { Subject } from './subject.ts';

export const deedLines = (course: FullCourse, subject: Subject): readonly Line[] =>
  course.deeds.map((done) => {
    const weight = isNear(done.deed, course, subject) ? WEIGHT.deed : WEIGHT.farDeed;
    return { at: done.deed.at, weight, text: wordsOf(done, course) };
  });

function wordsOf({ deed, write }: DeedDone, { calm }: FullCourse): string {
  if (deed.kind === 'command') return `a user asks ${hostName(deed.host)} to ${asked(deed.errand)}`;
  const isFrozen =
    calm !== undefined &&
    endOf(deed) > calm.at &&
    struckHosts(deed.strike).some((host) => !calm.core.includes(host));
  const text = struck(deed.strike, isFrozen);
  if (write === undefined) return text;
  const fate = write.isKept ? 'has reached' : 'never reaches';
  return `${text}; its write of ${write.names.join(', ')} ${fate} the disk`;
}

/** What ended longer ago has had its say in what the hosts did since. */
const NEAR_US = 10_000_000;

function isNear(deed: Deed, { outcome, calm, endedAt }: FullCourse, subject: Subject): boolean {
  // What is stuck is so since the faults ended, or before.
  const decidedAt = outcome.verdict.kind === 'stuck' ? (calm?.at ?? endedAt) : endedAt;
  if (endOf(deed) < decidedAt - NEAR_US) return false;
  if (deed.kind === 'command') return isMeant(deed.errand, subject);
  const { strike } = deed;
  if (OF_ENGINES.has(strike.kind) && subject.components.size === 0 && !subject.isNews) return false;
  const named = [...subject.hosts, ...subject.leaders];
  return named.length === 0 || struckHosts(strike).some((host) => isOf(host, named));
}

/** Under whichever name: one that has lost its disk is `h3b`. */
const isOf = (host: HostIndex, names: readonly string[]): boolean =>
  names.some((name) => name.replace(/b+$/, '') === hostName(host));

const isMeant = (
  { stack, given }: Extract<Deed, { readonly kind: 'command' }>['errand'],
  { keys, deployIds, components }: Subject,
): boolean =>
  deployIds.has(given.deployId) ||
  keys.has(`stack/${stack}`) ||
  [...components].some((id) => id.startsWith(`${stack}.`));

const endOf = (deed: Deed): Micros =>
  deed.kind === 'strike' && 'forMs' in deed.strike
    ? deed.at + ofMillis(deed.strike.forMs)
    : deed.at;

function struckHosts(strike: Strike): readonly HostIndex[] {
  if ('host' in strike) return [strike.host];
  return strike.kind === 'reset' ? [strike.a, strike.b] : strike.ways.flat();
}

/** These end instances and no leases. */
const OF_ENGINES: ReadonlySet<Strike['kind']> = new Set<Strike['kind']>([
  'exit',
  'drift',
  'crashLoop',
  'engineHang',
  'guard',
  'engineRestart',
]);
