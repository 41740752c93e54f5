/** What befalls the hosts and the links, each class at its own pace, until everything heals. */
import { below, pick, type Prng, within } from '../protocol/base/prng.ts';
import { createStream, happens } from './chance.ts';
import { ofMillis, schedule } from './event-queue.ts';
import { type Host, isPaused, type Outward, pause, resume } from './host.ts';
import { CONFIG, type Recurring } from './options.ts';
import { crash, divide, inAbout, lose, start, type World } from './world.ts';

export type Faults = {
  readonly world: World;
  readonly prng: Prng;
  /** Those who lead something now. */
  readonly leaders: () => readonly Host[];
  /** How to end what is still under way. */
  readonly undo: Set<() => void>;
};

export function unleash(world: World, leaders: () => readonly Host[]): Faults {
  const { options } = world;
  const prng = createStream(options.seed, 'faults');
  const faults: Faults = { world, prng, leaders, undo: new Set() };
  recur(faults, options.partitions, (lastMs) => cutLinks(faults, lastMs));
  recur(faults, options.crashes, (lastMs) => crashFor(faults, lastMs));
  recur(faults, options.hostLosses, (lastMs) => loseFor(faults, lastMs));
  recur(faults, options.pauses, (lastMs) => stop(faults, lastMs, false));
  recur(faults, options.suspends, (lastMs) => stop(faults, lastMs, true));
  return faults;
}

function recur(
  faults: Faults,
  often: Recurring | undefined,
  strike: (lastMs: number) => void,
): void {
  if (often === undefined) return;
  inAbout(faults.world, faults.prng, often.everyMs, () => {
    if (faults.world.network.healed) return;
    strike(within(faults.prng, Math.min(10, often.lastMs), often.lastMs));
    recur(faults, often, strike);
  });
}

/** Strikes a host in the moments after it did what this seed waits for. */
export function lurk(faults: Faults, host: Host, effect: Outward): void {
  const { world, prng } = faults;
  const { ambush } = world.options;
  if (ambush === undefined || world.network.healed) return;
  const did =
    effect.kind === 'send'
      ? effect.message.kind === ambush.after
      : ambush.after === 'won' && effect.kind === 'leaseChanged' && effect.event === 'won';
  if (!did || !happens(prng, ambush.permille)) return;
  const T = CONFIG.termMs;
  const lastMs = within(prng, 10, pick(prng, [500, T, 2 * T]));
  const kind = below(prng, 4);
  schedule(world.queue, world.queue.now + within(prng, 1, pick(prng, [1000, 20_000])), () => {
    if (world.network.healed || host.agent === undefined) return;
    if (kind === 0) pause(world.around, host, lastMs, false);
    else if (kind === 1) {
      crash(world, host);
      undoAfter(faults, pick(prng, [10, lastMs]), () => start(world, host));
    } else {
      const cut = (from: number, to: number): boolean =>
        from === host.index || (kind === 3 && to === host.index);
      undoAfter(faults, lastMs, divide(world, cut));
    }
  });
}

/** Anyone who runs, or for a seed that seeks leaders mostly one of them. */
function victim({ world, prng, leaders }: Faults): Host | undefined {
  const { hosts, queue, options } = world;
  const up = (host: Host): boolean => host.agent !== undefined && !isPaused(host, queue.now);
  const leading = options.seeksLeaders && happens(prng, 700) ? leaders().filter(up) : [];
  const candidates = leading.length > 0 ? leading : hosts.filter(up);
  return candidates.length === 0 ? undefined : pick(prng, candidates);
}

/** Runs `undo` after a while, or when everything heals. */
function undoAfter({ world, undo }: Faults, ms: number, run: () => void): void {
  undo.add(run);
  schedule(world.queue, world.queue.now + ofMillis(ms), () => {
    if (undo.delete(run)) run();
  });
}

function crashFor(faults: Faults, downMs: number): void {
  const host = victim(faults);
  if (host === undefined) return;
  crash(faults.world, host);
  undoAfter(faults, downMs, () => start(faults.world, host));
}

function loseFor(faults: Faults, downMs: number): void {
  const host = victim(faults);
  if (host === undefined) return;
  lose(faults.world, host);
  undoAfter(faults, downMs, () => start(faults.world, host));
}

function stop(faults: Faults, lengthMs: number, asleep: boolean): void {
  const host = victim(faults);
  if (host !== undefined) pause(faults.world.around, host, lengthMs, asleep);
}

function cutLinks(faults: Faults, lastMs: number): void {
  undoAfter(faults, lastMs, divide(faults.world, drawCut(faults)));
}

/** Halves, one alone, a bridge or a single link; both ways or one. */
function drawCut(faults: Faults): (from: number, to: number) => boolean {
  const { world, prng } = faults;
  const { hostCount } = world.options;
  const alone = victim(faults)?.index ?? below(prng, hostCount);
  const side = Array.from({ length: hostCount }, () => below(prng, 2));
  const bridge = below(prng, hostCount);
  const other = below(prng, hostCount);
  const oneWay = below(prng, 3);
  const kind = below(prng, 4);
  const parts = (from: number, to: number): boolean => {
    if (kind === 0) return side[from] !== side[to];
    if (kind === 1) return from === alone || to === alone;
    if (kind === 2) return side[from] !== side[to] && from !== bridge && to !== bridge;
    return (from === alone && to === other) || (from === other && to === alone);
  };
  // One way: only what leaves the first side, or only what reaches it, is lost.
  const first = (host: number): boolean =>
    kind === 0 || kind === 2 ? side[host] === 0 : host === alone;
  return (from, to) =>
    parts(from, to) && (oneWay === 0 || (oneWay === 1 ? first(from) : first(to)));
}

/** Everything heals, and nothing breaks any more. */
export function heal({ world, undo }: Faults): void {
  world.network.healed = true;
  for (const run of undo) run();
  undo.clear();
  for (const host of world.hosts) {
    host.pausedUntil = 0;
    host.asleepUntil = 0;
    resume(world.around, host);
  }
}
