/** What a timeline does: a fault or a command, whom it means being found when its moment has come. */
import { unreachable } from '../../protocol/base/assert.ts';
import type { StackSpec } from '../../protocol/component/spec.ts';
import type { Message } from '../../protocol/wire/message.ts';
import type { Instance } from '../engine/engine.ts';
import { isRunning } from '../engine/instance.ts';
import { ofMillis } from '../event-queue.ts';
import { isPaused } from '../host.ts';
import type { Planned, Scene } from '../run.ts';
import type { HostIndex, Strike, Way } from '../strike.ts';
import type { Deed } from '../tape.ts';
import type { Seat } from './names.ts';
import { resolve, type Who } from './who.ts';

type WithoutHost<S> = S extends { readonly host: HostIndex } ? Omit<S, 'host'> : never;
/** A fault of one host, whichever it is. */
export type HostFault = WithoutHost<Exclude<Strike, { readonly kind: 'exit' | 'drift' }>>;

/** The ways between two groups. */
export type Between = {
  readonly from: Who;
  /** Undefined: everyone else; where there is nobody else, one another. */
  readonly to: Who | undefined;
  readonly oneWay: boolean;
};

export type Act =
  | {
      readonly kind: 'cut' | 'clog';
      readonly between: Between;
      readonly forMs: number;
    }
  | {
      readonly kind: 'lossy';
      readonly between: Between;
      readonly forMs: number;
      readonly permille: number;
      readonly only?: Message['kind'];
    }
  | { readonly kind: 'reset'; readonly between: Between }
  | { readonly kind: 'host'; readonly who: Who; readonly fault: HostFault }
  /** These instances end by themselves, or turn unhealthy. */
  | { readonly kind: 'exit'; readonly seat: Seat; readonly how: 'exit' | 'unhealthy' }
  | { readonly kind: 'deploy'; readonly spec: StackSpec }
  | { readonly kind: 'destroy'; readonly stack: string };

/** So long after the beginning of the run. */
export type Timed = { readonly atMs: number; readonly act: Act };

/** `id`: unlike that of any other act of the run. */
export function planned({ atMs, act }: Timed, id: string): Planned {
  const at = ofMillis(atMs);
  return {
    at,
    deedsIn: (scene) =>
      act.kind === 'deploy' || act.kind === 'destroy'
        ? commandsOf(act, scene, id).map((deed): Deed => ({ at, isPlanned: true, ...deed }))
        : strikesOf(act, scene).map((strike): Deed => ({
            at,
            isPlanned: true,
            kind: 'strike',
            strike,
          })),
  };
}

type Commanding = Extract<Act, { readonly kind: 'deploy' | 'destroy' }>;
type Ordered = Omit<Extract<Deed, { readonly kind: 'command' }>, 'at' | 'isPlanned'>;

/** Asked at the first agent that can answer; asked again until the outcome is known. */
function commandsOf(act: Commanding, { world }: Scene, deployId: string): readonly Ordered[] {
  const host = world.hosts.find(
    (one) => one.agent !== undefined && !isPaused(one, world.queue.now),
  );
  if (host === undefined) return [];
  const given =
    act.kind === 'deploy'
      ? { kind: act.kind, deployId, spec: act.spec }
      : { kind: act.kind, deployId, stack: act.stack };
  const stack = act.kind === 'deploy' ? act.spec.name : act.stack;
  return [{ kind: 'command', host: host.index, errand: { stack, given, attempt: 1 } }];
}

function strikesOf(act: Exclude<Act, Commanding>, scene: Scene): readonly Strike[] {
  switch (act.kind) {
    case 'cut':
    case 'clog': {
      const ways = waysOf(act.between, scene);
      return ways.length === 0 ? [] : [{ kind: act.kind, ways, forMs: act.forMs }];
    }
    case 'lossy': {
      const { kind, forMs, permille, only } = act;
      const ways = waysOf(act.between, scene);
      const strike = { kind, ways, forMs, permille };
      return ways.length === 0 ? [] : [only === undefined ? strike : { ...strike, only }];
    }
    case 'reset':
      return waysOf({ ...act.between, oneWay: true }, scene).map(([a, b]) => ({
        kind: act.kind,
        a,
        b,
      }));
    case 'host':
      return resolve(act.who, scene).map((host): Strike => ({ ...act.fault, host }));
    case 'exit':
      return exits(act.seat, act.how, scene);
    default:
      return unreachable(act);
  }
}

const waysOf = (between: Between, scene: Scene): readonly Way[] =>
  waysBetween(between, (who) => resolve(who, scene));

/** Each once. `meant`: the hosts that somebody is at this moment. */
export function waysBetween(
  { from, to, oneWay }: Between,
  meant: (who: Who) => readonly HostIndex[],
): readonly Way[] {
  const first = meant(from);
  const others = meant(to ?? { kind: 'allBut', whom: from });
  const second = to === undefined && others.length === 0 ? first : others;
  const ways = new Map<string, Way>();
  for (const a of first)
    for (const b of second) {
      if (a === b) continue;
      ways.set(`${a} ${b}`, [a, b]);
      if (!oneWay) ways.set(`${b} ${a}`, [b, a]);
    }
  return [...ways.values()];
}

function exits(
  { component, slot }: Seat,
  how: 'exit' | 'unhealthy',
  { world }: Scene,
): readonly Strike[] {
  const isMeant = (one: Instance['observed']): boolean =>
    one.component === component && (slot === undefined || one.slot === slot);
  return world.hosts.flatMap(({ engine, lost, index: host }) =>
    [...engine.instances.values()]
      // Counted as the fault counts them: only who has a healthcheck can fail it.
      .filter((one) => isRunning(one) && (how === 'exit' || one.spec.healthcheck !== undefined))
      .map(({ observed }, nth) => ({ observed, nth }))
      .filter(({ observed }) => !lost && isMeant(observed))
      // From the last: who ends is counted among those running no more.
      .reverse()
      .map(({ nth }): Strike => ({ kind: 'exit', host, nth, how })),
  );
}
