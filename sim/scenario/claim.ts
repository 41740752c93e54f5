/**
 * What can be said of a cluster at a moment, one sentence each. The sentences are written here and
 * nowhere else: how each is read, and how it is looked up.
 */
import type { Key } from '../../protocol/base/ids.ts';
import { fail, ok, type Result } from '../../protocol/base/result.ts';
import type { Health } from '../../protocol/membership/member.ts';
import { holdersOf } from '../checkers/leases.ts';
import type { Scene } from '../run.ts';
import type { HostIndex } from '../strike.ts';
import { hostNameOf, type Names, parseHost, parseKey, parseSeat, type Seat } from './names.ts';
import { countOn, newestVoters } from './who.ts';

type Bound = 'exactly' | 'at least' | 'at most';
type Sight = Health | 'unknown';

export type Claim =
  | { readonly kind: 'leads'; readonly key: Key; readonly host: HostIndex; readonly not: boolean }
  | { readonly kind: 'led'; readonly key: Key; readonly not: boolean }
  | {
      readonly kind: 'running';
      readonly bound: Bound;
      readonly count: number;
      readonly seat: Seat;
      /** Undefined: anywhere. */
      readonly on?: HostIndex;
    }
  | {
      readonly kind: 'sees';
      /** Undefined: everybody whose agent runs. */
      readonly viewer?: HostIndex;
      readonly host: HostIndex;
      readonly as: Sight;
      readonly not: boolean;
    }
  | {
      readonly kind: 'count';
      readonly of: 'voters' | 'agents' | 'starts' | 'changes of leader';
      readonly bound: Bound;
      readonly count: number;
    };

type Groups = Readonly<Record<string, string | undefined>>;
type Form = {
  readonly like: string;
  readonly pattern: RegExp;
  readonly read: (names: Names, groups: Groups) => Result<Claim, string>;
};

const NUMBER = '(?<bound>exactly |at least |at most )?(?<count>\\d{1,5}|no)';
const COUNTED = /^(?:voters?|agents?|starts?|changes? of leader)$/;

/** Of two that match the first is meant. */
const FORMS: readonly Form[] = [
  {
    like: 'leader of shop.web is h2',
    pattern: /^leader of (?<key>\S+) is (?<not>not )?(?<host>\S+)$/,
    read: (names, { key = '', host = '', not }) =>
      both(parseKey(names, key), parseHost(names, host), (led, leader) => ({
        kind: 'leads',
        key: led,
        host: leader,
        not: not !== undefined,
      })),
  },
  {
    like: 'shop.web has a leader',
    pattern: /^(?<key>\S+) has (?<which>a|no) leader$/,
    read: (names, { key = '', which }) =>
      one(parseKey(names, key), (led) => ({ kind: 'led', key: led, not: which === 'no' })),
  },
  {
    like: 'at least 2 running of shop.web on h3',
    pattern: new RegExp(`^${NUMBER} running of (?<seat>\\S+)(?: on (?<host>\\S+))?$`),
    read: (names, { seat = '', host, ...number }) =>
      runningAt(names, seat, host, boundOf(number), countOf(number)),
  },
  {
    like: 'shop.web runs on h3',
    pattern: /^(?<seat>\S+) runs on (?<host>\S+)$/,
    read: (names, { seat = '', host }) => runningAt(names, seat, host, 'at least', 1),
  },
  {
    like: 'shop.web does not run on h3',
    pattern: /^(?<seat>\S+) does not run on (?<host>\S+)$/,
    read: (names, { seat = '', host }) => runningAt(names, seat, host, 'at most', 0),
  },
  {
    like: 'everybody sees h2 as dead',
    pattern:
      /^(?<viewer>everybody|nobody|h\d+) sees (?<host>\S+) as (?<as>alive|suspect|dead|left|unknown)$/,
    read: (names, { viewer = '', host = '', as }) => sees(names, viewer, host, as as Sight),
  },
  {
    like: 'at least 3 voters (agents, starts, changes of leader)',
    pattern: new RegExp(`^${NUMBER} (?<of>\\D+)$`),
    read: (_names, { of = '', ...number }) => {
      if (!COUNTED.test(of)) return fail(`nobody counts "${of}"`);
      const plural = of.startsWith('change') ? 'changes of leader' : of.replace(/s?$/, 's');
      return ok({
        kind: 'count',
        of: plural as Extract<Claim, { kind: 'count' }>['of'],
        bound: boundOf(number),
        count: countOf(number),
      });
    },
  },
];

/** What can be written, an example each. */
export const CLAIM_FORMS: readonly string[] = FORMS.map(({ like }) => like);

export function parseClaim(names: Names, text: string): Result<Claim, string> {
  for (const { pattern, read } of FORMS) {
    const groups = pattern.exec(text)?.groups;
    if (groups !== undefined) return read(names, groups);
  }
  return fail(`"${text}" is no sentence that can be checked`);
}

function one<T>(from: Result<T, string>, to: (value: T) => Claim): Result<Claim, string> {
  return from.ok ? ok(to(from.value)) : from;
}

function both<T, U>(
  first: Result<T, string>,
  second: Result<U, string>,
  to: (first: T, second: U) => Claim,
): Result<Claim, string> {
  if (!first.ok) return first;
  return one(second, (value) => to(first.value, value));
}

const boundOf = ({ bound = 'exactly' }: Groups): Bound => bound.trim() as Bound;
const countOf = ({ count }: Groups): number => (count === 'no' ? 0 : Number(count));

function runningAt(
  names: Names,
  seatName: string,
  host: string | undefined,
  bound: Bound,
  count: number,
): Result<Claim, string> {
  const seat = parseSeat(names, seatName);
  if (host === undefined)
    return one(seat, (value) => ({ kind: 'running', bound, count, seat: value }));
  return both(seat, parseHost(names, host), (value, on) => ({
    kind: 'running',
    bound,
    count,
    seat: value,
    on,
  }));
}

function sees(names: Names, viewer: string, seen: string, as: Sight): Result<Claim, string> {
  const host = parseHost(names, seen);
  const not = viewer === 'nobody';
  if (not || viewer === 'everybody')
    return one(host, (value) => ({ kind: 'sees', host: value, as, not }));
  return both(host, parseHost(names, viewer), (value, from) => ({
    kind: 'sees',
    viewer: from,
    host: value,
    as,
    not,
  }));
}

/** Undefined: it is so. Else what is seen in its place. */
export function refute(claim: Claim, scene: Scene): string | undefined {
  switch (claim.kind) {
    case 'leads': {
      const leaders = leadersOf(scene, claim.key);
      const leads = leaders.includes(hostNameOf(claim.host));
      return leads === claim.not ? `${leaders.join(' and ') || 'nobody'} leads` : undefined;
    }
    case 'led': {
      const leaders = leadersOf(scene, claim.key);
      return leaders.length > 0 === claim.not
        ? `${leaders.join(' and ') || 'nobody'} leads`
        : undefined;
    }
    case 'running':
      return refuteRunning(claim, scene);
    case 'sees':
      return refuteSight(claim, scene);
    case 'count': {
      const count = countIn(scene, claim.of);
      return isWithin(claim.bound, count, claim.count) ? undefined : `there are ${count}`;
    }
  }
}

const leadersOf = ({ panel, world }: Scene, key: Key): readonly string[] =>
  holdersOf(panel.leases, key, world.queue.now).map(({ index }) => hostNameOf(index));

function refuteRunning(
  { bound, count, seat, on }: Extract<Claim, { kind: 'running' }>,
  { world }: Scene,
): string | undefined {
  const places = world.hosts
    .filter(({ index }) => on === undefined || index === on)
    .flatMap((host) => Array.from({ length: countOn(host, seat) }, () => hostNameOf(host.index)));
  if (isWithin(bound, places.length, count)) return undefined;
  return places.length === 0 ? 'none runs' : `${places.length} run: ${places.join(', ')}`;
}

function refuteSight(
  { viewer, host, as, not }: Extract<Claim, { kind: 'sees' }>,
  { world }: Scene,
): string | undefined {
  const seen = world.hosts[host]?.id;
  for (const { index, agent } of world.hosts) {
    const asked = viewer === undefined ? index !== host : index === viewer;
    if (!asked) continue;
    if (agent === undefined) {
      if (viewer === undefined) continue;
      return `${hostNameOf(index)} has no agent`;
    }
    const sight = (seen && agent.core.membership.members.get(seen)?.health) ?? 'unknown';
    if ((sight === as) === not) return `${hostNameOf(index)} sees it as ${sight}`;
  }
  return undefined;
}

function countIn({ world, panel }: Scene, of: Extract<Claim, { kind: 'count' }>['of']): number {
  switch (of) {
    case 'voters':
      return newestVoters(world.hosts).length;
    case 'agents':
      return world.hosts.filter(({ agent }) => agent !== undefined).length;
    case 'starts':
      return panel.instances.starts;
    case 'changes of leader':
      return panel.leases.leaderChanges;
  }
}

function isWithin(bound: Bound, found: number, wanted: number): boolean {
  if (bound === 'exactly') return found === wanted;
  return bound === 'at least' ? found >= wanted : found <= wanted;
}
