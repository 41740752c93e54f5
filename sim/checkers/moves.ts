/**
 * S16 A host for which more than half of the peers that it heard vanish within 30 s moves no slot of a
 *     dead host before 10 s have passed, and then at most two a second.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import { NEVER } from '../../protocol/base/time.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import type { Effect } from '../../protocol/effect.ts';
import {
  type Committed,
  compareRevision,
  type Revision,
  type Slot,
} from '../../protocol/record/record.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import type { Agent, Host } from '../host.ts';
import type { Report } from './report.ts';

/** What one life of an agent has seen of its peers, and moved. */
type Sight = {
  readonly life: Agent;
  version: number;
  readonly alive: Set<HostId>;
  readonly goneAt: Map<HostId, Micros>;
  vanished: boolean;
  vanishedAt: Micros;
  moves: readonly Micros[];
};

export type MoveChecker = {
  readonly report: Report;
  readonly sights: Map<Host, Sight>;
  /** The newest slots seen of each component, by key, life and term. */
  readonly slots: Map<string, Known>;
};

export const createMoveChecker = (report: Report): MoveChecker => ({
  report,
  sights: new Map(),
  slots: new Map(),
});

type Known = {
  readonly revision: Revision;
  readonly slots: readonly Slot[];
  readonly mode: ComponentSpec['mode'];
};

/** A little longer and shorter than the rule has it: clocks err by 1 %. */
const WINDOW = ofMillis(30_400);
const WAIT = ofMillis(9800);
const SECOND = ofMillis(980);
const MOVES_PER_SECOND = 2;

export function checkMoves(
  checker: MoveChecker,
  host: Host,
  effects: readonly Effect[],
  now: Micros,
): void {
  if (host.agent === undefined) return;
  const sight = sightOf(checker, host, host.agent);
  // What is believed between two messages of many that have waited, it decides nothing by.
  if (!host.agent.isBehind) follow(sight, now);
  for (const [at, effect] of effects.entries()) {
    const moved = movedBy(checker, host.agent, effect);
    if (moved > 0)
      check(checker, host, sight, { moved, doubted: doubtedIn(effects.slice(at)) }, now);
  }
}

/** Of whom this is told from here on: what was decided before was decided without it. */
const doubtedIn = (effects: readonly Effect[]): ReadonlySet<HostId> =>
  new Set(
    effects.flatMap((effect) =>
      effect.kind === 'publish' && effect.message.kind === 'rumor' ? [effect.message.about] : [],
    ),
  );

type Move = { readonly moved: number; readonly doubted: ReadonlySet<HostId> };

function check({ report }: MoveChecker, host: Host, sight: Sight, move: Move, now: Micros) {
  const { moved, doubted } = move;
  const recent = sight.moves.filter((at) => at > now - SECOND);
  sight.moves = [...recent, ...Array.from({ length: moved }, () => now)];
  if (!mostGone(sight, now, doubted)) return;
  if (now < sight.vanishedAt + WAIT)
    report(
      'S16',
      `${host.id} moves ${moved} slots ${(now - sight.vanishedAt) / 1000} ms after most of its peers vanished`,
    );
  else if (sight.moves.length > MOVES_PER_SECOND)
    report('S16', `${host.id} moves ${sight.moves.length} slots within a second`);
}

function sightOf({ sights }: MoveChecker, host: Host, life: Agent): Sight {
  const known = sights.get(host);
  if (known?.life === life) return known;
  const fresh: Sight = {
    life,
    version: -1,
    alive: new Set(),
    goneAt: new Map(),
    vanished: false,
    vanishedAt: -Infinity,
    moves: [],
  };
  sights.set(host, fresh);
  return fresh;
}

function follow(sight: Sight, now: Micros): void {
  const { version, members } = sight.life.core.membership;
  if (version === sight.version) return;
  sight.version = version;
  for (const table of [sight.alive, sight.goneAt])
    for (const id of table.keys()) if (!members.has(id)) table.delete(id);
  for (const [id, { health, lastHeardAt }] of members) {
    if (health === 'alive' || health === 'left') sight.goneAt.delete(id);
    if (health === 'alive' && lastHeardAt !== NEVER) sight.alive.add(id);
    if (health !== 'alive' && sight.alive.delete(id) && health !== 'left')
      sight.goneAt.set(id, now);
  }
  const vanished = mostGone(sight, now);
  if (vanished && !sight.vanished) sight.vanishedAt = now;
  sight.vanished = vanished;
}

function mostGone(
  { alive, goneAt }: Sight,
  now: Micros,
  except: ReadonlySet<HostId> = NOBODY,
): boolean {
  const gone = [...goneAt].filter(([, at]) => at > now - WINDOW);
  const counted = gone.filter(([id]) => !except.has(id));
  return 2 * counted.length > alive.size + gone.length;
}

const NOBODY: ReadonlySet<HostId> = new Set();

/** What the host writes, tells, or has committed as its leader: alone it says nothing to anybody. */
function recordIn({ writers }: Agent['core'], effect: Effect): Committed | undefined {
  if (effect.kind === 'send') {
    const { message } = effect;
    return message.kind === 'push'
      ? message.record
      : message.kind === 'write'
        ? message
        : undefined;
  }
  if (effect.kind !== 'persist') return undefined;
  const kept = effect.writes.find(({ name }) => name.startsWith('committed/'))?.value;
  const record = kept as Committed | undefined;
  return record !== undefined && writers.get(record.key)?.term === record.revision.term
    ? record
    : undefined;
}

/** How many slots of hosts that it believes dead this moves, if it is a new revision of its own. */
function movedBy({ slots }: MoveChecker, { core }: Agent, effect: Effect): number {
  const record = recordIn(core, effect);
  if (record?.value.kind !== 'component') return 0;
  const { key, revision, value } = record;
  // In a later life of its stack everything is placed anew.
  const name = `${key} ${value.life} ${revision.term}`;
  const known = slots.get(name);
  if (known !== undefined && compareRevision(revision, known.revision) <= 0) return 0;
  const { mode } = value.spec;
  slots.set(name, { revision, slots: value.slots, mode });
  // Of another mode the slots of the same numbers are others: that is what a user has asked for.
  if (known?.mode !== mode) return 0;
  const isDead = (id: HostId): boolean => core.membership.members.get(id)?.health === 'dead';
  const before = new Map(known.slots.map((was) => [was.slot, was]));
  return value.slots.filter(({ slot, host }) => {
    const was = before.get(slot);
    if (was === undefined || was.host === host) return false;
    // Whoever runs it beside a dead host is given it back: nothing is started.
    return isDead(was.host) && was.left?.includes(host) !== true;
  }).length;
}
