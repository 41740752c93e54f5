/** Draws what befalls the hosts and the links, each kind of fault at its own pace, until the storm ends. */
import type { Change } from '../../protocol/command/adjusts.ts';
import { below, exponential, happens, pick, type Stream, streamOf, within } from '../choice.ts';
import { ofMillis, scheduleDeed } from '../event-queue.ts';
import { type Host, isPaused, type Outward } from '../host.ts';
import { CONFIG, type Plague, type Recurring } from '../options.ts';
import type { HostIndex, Strike, Way } from '../strike.ts';
import type { World } from '../world.ts';
import { type Bias, conspire, meddle } from './bias.ts';
import { keepForcing } from './disaster.ts';
import { keepForgetting } from './forgetting.ts';
import { createGrowth, disturb, type Growth } from './growth.ts';
import { drawCut, ways } from './shapes.ts';
import { interrupt, replaceVoters, type Turnover } from './turnover.ts';

export type Storm = {
  readonly world: World;
  /** Those who lead something now. */
  readonly leaders: () => readonly Host[];
  readonly strike: (strike: Strike) => void;
  readonly ambush: Stream;
  readonly growth: Growth | undefined;
  readonly turnover: Turnover | undefined;
  readonly bias: Bias | undefined;
};

export function unleash(
  world: World,
  leaders: () => readonly Host[],
  strike: (strike: Strike) => void,
): Storm {
  const { options, choices } = world;
  const storm: Storm = {
    world,
    leaders,
    strike,
    ambush: streamOf(choices, 'storm/ambush'),
    bias: conspire(world, strike),
    growth: createGrowth(world, strike),
    turnover: replaceVoters(world, strike),
  };
  keepForgetting(world, strike);
  keepForcing(world, strike);
  for (const [kind, often] of Object.entries(options.recurring) as [Plague, Recurring][])
    recur(storm, PLAGUES[kind], often, streamOf(choices, `storm/${kind}`));
  if (options.drift !== undefined)
    recur(storm, DRIFT, options.drift, streamOf(choices, 'storm/drifts'));
  return storm;
}

function recur(storm: Storm, plague: Draw, often: Recurring, draw: Stream): void {
  const { world, strike } = storm;
  const at = world.queue.now + 1 + exponential(draw, ofMillis(often.everyMs));
  scheduleDeed(world.queue, at, () => {
    if (world.core !== undefined) return;
    const drawn = plague(storm, draw, within(draw, Math.min(10, often.lastMs), often.lastMs));
    if (drawn !== undefined) strike(drawn);
    recur(storm, plague, often, draw);
  });
}

type Draw = (storm: Storm, draw: Stream, forMs: number) => Strike | undefined;

/** A fault of one host. */
const ofHost =
  (make: (host: HostIndex, forMs: number, draw: Stream) => Strike): Draw =>
  (storm, draw, forMs) => {
    const host = victim(storm, draw);
    return host === undefined ? undefined : make(host.index, forMs, draw);
  };

const PLAGUES: { readonly [kind in Plague]: Draw } = {
  partitions(storm, draw, forMs) {
    const { hostCount } = storm.world.options;
    const alone = victim(storm, draw)?.index ?? below(draw, hostCount);
    return { kind: 'cut', ways: drawCut(draw, hostCount, alone), forMs };
  },
  links: (storm, draw, forMs) => ({ kind: 'cut', ways: oneWay(storm, draw), forMs }),
  clogs: (storm, draw, forMs) => ({ kind: 'clog', ways: oneWay(storm, draw), forMs }),
  resets(storm, draw) {
    const [[a, b] = [0, 0]] = oneWay(storm, draw);
    return { kind: 'reset', a, b };
  },
  crashes: ofHost((host, forMs) => ({ kind: 'crash', host, forMs })),
  upgrades: ofHost((host, forMs, draw) => ({
    host,
    forMs,
    ...pick(draw, [
      { kind: 'upgrade', clean: false },
      { kind: 'upgrade', clean: true },
      { kind: 'stop' },
    ] as const),
  })),
  leads(storm, draw) {
    const { hostCount } = storm.world.options;
    return {
      kind: 'lead',
      host: below(draw, hostCount),
      nth: below(draw, 8),
      to: below(draw, hostCount),
      force: happens(draw, 500),
    };
  },
  hostLosses: ofHost((host, forMs) => ({ kind: 'lose', host, forMs })),
  pauses: ofHost((host, forMs) => ({ kind: 'pause', host, forMs })),
  suspends(storm, draw, forMs) {
    const host = victim(storm, draw, true);
    return host === undefined ? undefined : { kind: 'suspend', host: host.index, forMs };
  },
  lags: ofHost((host, forMs, draw) => ({
    kind: 'lag',
    host,
    forMs,
    lagMs: pick(draw, [5, 50, 300]),
  })),
  disks: ofHost((host, forMs, draw) => {
    const fault = pick(draw, ['slow', 'slow', 'error', 'error', 'full', 'lost'] as const);
    return { kind: 'disk', host, forMs, fault };
  }),
  exits: ofHost((host, _forMs, draw) => {
    const how = pick(draw, ['exit', 'exit', 'unhealthy'] as const);
    return { kind: 'exit', host, nth: below(draw, 4), how };
  }),
  guards: ofHost((host, forMs, draw) => {
    const fault = pick(draw, ['dies', 'hangs', 'slow'] as const);
    return { kind: 'guard', host, forMs, fault };
  }),
  reboots: ofHost((host, forMs) => ({ kind: 'reboot', host, forMs })),
  drains(storm, draw) {
    const { hosts, options } = storm.world;
    const up = hosts.filter(({ agent }) => agent !== undefined);
    if (up.length === 0) return undefined;
    const host = pick(draw, up).index;
    return { kind: 'adjust', host, of: below(draw, options.hostCount), change: drawChange(draw) };
  },
  hangs: ofHost((host, forMs) => ({ kind: 'engineHang', host, forMs })),
  engines: ofHost((host, forMs, draw) => {
    const kind = pick(draw, ['crashLoop', 'engineHang', 'engineRestart'] as const);
    if (kind !== 'engineRestart') return { kind, host, forMs };
    return { kind, host, forMs, instances: pick(draw, ['survive', 'die'] as const) };
  }),
};

const MEDDLINGS = [
  'changed',
  'changed',
  'frozen',
  'frozen',
  'stopped',
  'removed',
  'restarted',
  'eachChanged',
] as const;

const DRIFT: Draw = ofHost((host, forMs, draw) => {
  const how = pick(draw, MEDDLINGS);
  return { kind: 'drift', host, nth: below(draw, 4), how, forMs };
});

/** As often as it is taken away it is given back, or soon nothing could run anywhere. */
function drawChange(draw: Stream): Change {
  if (happens(draw, 700)) {
    const to = pick(draw, [
      'draining',
      'draining',
      'cordoned',
      'active',
      'active',
      'active',
    ] as const);
    return { kind: 'availability', to };
  }
  const name = pick(draw, ['zone', 'disk']);
  if (happens(draw, 400)) return { kind: 'label', set: {}, unset: [name] };
  return { kind: 'label', set: { [name]: pick(draw, ['a', 'b', 'ssd']) }, unset: [] };
}

/** One direction of one link. */
function oneWay({ world }: Storm, draw: Stream): readonly Way[] {
  const all = ways(world.options.hostCount);
  return all.length === 0 ? [] : [pick(draw, all)];
}

/** Anyone who runs, with `isMachine` whose machine does, or for a seed that seeks leaders mostly one of them. */
function victim({ world, leaders }: Storm, draw: Stream, isMachine = false): Host | undefined {
  const { hosts, queue, options } = world;
  const up = (host: Host): boolean =>
    (isMachine ? !host.lost : host.agent !== undefined) && !isPaused(host, queue.now);
  const leading = options.seeksLeaders && happens(draw, 700) ? leaders().filter(up) : [];
  const candidates = leading.length > 0 ? leading : hosts.filter(up);
  return candidates.length === 0 ? undefined : pick(draw, candidates);
}

/** Strikes a host in the moments after it did what this seed waits for. */
export function lurk(storm: Storm, host: Host, effect: Outward): void {
  const { world, ambush: draw, strike } = storm;
  const { ambush, hostCount } = world.options;
  if (storm.bias !== undefined) meddle(storm.bias, host, effect);
  if (storm.growth !== undefined) disturb(storm.growth, host, effect);
  if (storm.turnover !== undefined) interrupt(storm.turnover, host, effect);
  if (ambush === undefined || world.core !== undefined) return;
  const did =
    effect.kind === 'send'
      ? effect.message.kind === ambush.after
      : ambush.after === 'won' && effect.kind === 'leaseChanged' && effect.event === 'won';
  if (!did || !happens(draw, ambush.permille)) return;
  const T = CONFIG.termMs;
  const forMs = within(draw, 10, pick(draw, [500, T, 2 * T]));
  const kind = pick(draw, ['pause', 'crash', 'mute', 'cut'] as const);
  const at = world.queue.now + within(draw, 1, pick(draw, [1000, 20_000]));
  scheduleDeed(world.queue, at, () => {
    if (world.core !== undefined || host.agent === undefined) return;
    if (kind === 'pause') return strike({ kind, host: host.index, forMs });
    if (kind === 'crash') return strike({ kind, host: host.index, forMs: pick(draw, [10, forMs]) });
    const lost = ways(hostCount).filter(
      ([from, to]) => from === host.index || (kind === 'cut' && to === host.index),
    );
    strike({ kind: 'cut', ways: lost, forMs });
  });
}
