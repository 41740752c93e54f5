/** How each kind of fault is done, and undone: after its time, or when everything heals. */
import { unreachable } from '../../protocol/base/assert.ts';
import type { HostId } from '../../protocol/base/ids.ts';
import { hasYielded } from '../../protocol/core/strict.ts';
import type { StopReason } from '../../protocol/input.ts';
import { changeEach, crashLoop, exitNth, hang, restartDaemon } from '../engine/faults.ts';
import { meddle } from '../engine/meddler.ts';
import { ofMillis, schedule } from '../event-queue.ts';
import { awake, comeBack, takeAway } from '../guard.ts';
import { type Agent, give, type Host, isPaused, loseDisk, pause, resume } from '../host.ts';
import { becomeAnother, resetLink } from '../network/network.ts';
import { calmAmong, clog, cut, lossy } from '../network/obstacles.ts';
import type { HostIndex, Strike } from '../strike.ts';
import { ADJUST_COMMAND, FORCE_COMMAND, FORGET_COMMAND, LEAD_COMMAND } from '../workload.ts';
import { command, crash, lose, start, type World } from '../world.ts';

/** A fault that goes on: whom it strikes, and how to end it. */
type Ongoing = { readonly host: HostIndex | undefined; readonly undo: () => void };
export type Faults = {
  readonly world: World;
  readonly ongoing: Set<Ongoing>;
};

export const createFaults = (world: World): Faults => ({ world, ongoing: new Set() });

/** Does it now. What cannot be done to this world any more, e.g. to a host that is gone, is passed over. */
export function perform(faults: Faults, strike: Strike): void {
  const { world } = faults;
  const { network } = world;
  if ('host' in strike) {
    const host = world.hosts[strike.host];
    if (host !== undefined) strikeHost(faults, host, strike);
    return;
  }
  switch (strike.kind) {
    case 'cut':
      return last(faults, strike.forMs, undefined, cut(network, within(world, strike.ways)));
    case 'clog':
      return last(faults, strike.forMs, undefined, clog(network, within(world, strike.ways)));
    case 'lossy': {
      const ways = within(world, strike.ways);
      const undo = lossy(network, ways, strike.permille, strike.only);
      return last(faults, strike.forMs, undefined, undo);
    }
    case 'reset':
      if (world.hosts[strike.a] === undefined || world.hosts[strike.b] === undefined) return;
      return resetLink(network, strike.a, strike.b);
    default:
      return unreachable(strike);
  }
}

type HostStrike = Extract<Strike, { readonly host: HostIndex }>;

function strikeHost(faults: Faults, host: Host, strike: HostStrike): void {
  const { world } = faults;
  const { around } = world;
  switch (strike.kind) {
    case 'lead':
      return lead(world, host, strike);
    case 'leave':
      return command(world, host, `${FORGET_COMMAND}${world.queue.now}`, { kind: 'leave' });
    case 'forget': {
      const of = world.hosts[strike.of];
      const id = `${FORGET_COMMAND}${world.queue.now}/${strike.of}`;
      if (of !== undefined) command(world, host, id, { kind: 'forget', host: of.id });
      return;
    }
    case 'adjust': {
      const of = world.hosts[strike.of];
      const id = `${ADJUST_COMMAND}${world.queue.now}/${strike.of}`;
      if (of !== undefined)
        command(world, host, id, { kind: 'adjust', host: of.id, change: strike.change });
      return;
    }
    case 'force': {
      const id = `${FORCE_COMMAND}${world.queue.now}`;
      return command(world, host, id, { kind: 'forceVoters', forceId: strike.forceId });
    }
    case 'upgrade':
      if (!strike.clean) return kill(faults, host, strike.forMs);
      return end(faults, host, strike.forMs, 'restart');
    case 'stop':
      return end(faults, host, strike.forMs, 'stop');
    case 'reboot':
      return reboot(faults, host, strike.forMs);
    case 'crash':
      return kill(faults, host, strike.forMs);
    case 'lose':
      if (host.lost) return;
      lose(world, host);
      return last(faults, strike.forMs, host, () => start(world, host));
    case 'pause':
    case 'suspend':
      // A machine sleeps with an agent or without.
      if (strike.kind === 'pause' ? host.agent === undefined : host.lost) return;
      if (strike.kind === 'suspend') comeBack(host.guard); // two failures at once are not promised
      pause(around, host, strike.forMs, strike.kind === 'suspend');
      return last(faults, strike.forMs, host, () => wake(world, host));
    case 'lag':
      host.lagMs = strike.lagMs;
      return last(faults, strike.forMs, host, () => void (host.lagMs = 0));
    case 'disk':
      return failDisk(faults, host, strike);
    case 'exit':
      return exitNth(host.engine, strike.nth, strike.how);
    case 'drift':
      if (strike.how !== 'eachChanged') return meddle(host.engine, strike.nth, strike.how);
      return last(faults, strike.forMs, host, changeEach(host.engine));
    case 'crashLoop':
      return last(faults, strike.forMs, host, crashLoop(host.engine));
    case 'engineHang':
      return last(faults, strike.forMs, host, hang(host.engine));
    case 'guard':
      return failGuard(faults, host, strike);
    case 'engineRestart':
      return last(faults, strike.forMs, host, restartDaemon(host.engine, strike.instances));
    default:
      return unreachable(strike);
  }
}

const SLOW_MS = 400;

function failGuard(
  faults: Faults,
  host: Host,
  { fault, forMs }: Extract<Strike, { readonly kind: 'guard' }>,
): void {
  const { guard } = host;
  if (host.lost) return;
  if (fault === 'slow') {
    guard.lagMs = SLOW_MS;
    return last(faults, forMs, host, () => void (guard.lagMs = 0));
  }
  last(faults, forMs, host, () => comeBack(guard));
  takeAway(guard, fault, forMs);
}

/** How long an agent that was asked to end has for its last words. */
const LAST_WORDS_MS = 150;

function end(faults: Faults, host: Host, forMs: number, why: StopReason): void {
  const { world } = faults;
  const { agent } = host;
  if (isPaused(host, world.queue.now)) return kill(faults, host, forMs);
  if (agent === undefined) return;
  const close = (): void => {
    if (host.agent === agent) crash(world, host);
  };
  sayBye(world, host, agent, why);
  last(faults, LAST_WORDS_MS + forMs, host, () => {
    close();
    start(world, host);
  });
}

/** How long strict instances have to end first, and how often that is looked at. */
const YIELD_MS = 3000;
const YIELD_LOOK_MS = 50;

/** Asks the agent to end as `node/agent.ts` does, and ends its process after its last words. */
function sayBye(world: World, host: Host, agent: Agent, why: StopReason): void {
  const { queue, around } = world;
  const until = queue.now + ofMillis(YIELD_MS);
  const bow = (): void => {
    if (host.agent !== agent) return;
    if (why !== 'restart' && !hasYielded(agent.core) && queue.now < until)
      return schedule(queue, queue.now + ofMillis(YIELD_LOOK_MS), bow);
    give(around, host, { kind: 'stopping', why });
    schedule(queue, queue.now + ofMillis(LAST_WORDS_MS), () => {
      if (host.agent === agent) crash(world, host);
    });
  };
  if (why !== 'restart') give(around, host, { kind: 'yielding' });
  bow();
}

/** How long the instances run on, so that others are there before they end. */
const ELSEWHERE_MS = 5000;

function reboot(faults: Faults, host: Host, forMs: number): void {
  const { world } = faults;
  const { queue } = world;
  const { agent } = host;
  if (host.lost) return;
  let isDown = false;
  const goDown = (): void => {
    if (!isDown) lose(world, host);
    isDown = true;
  };
  if (agent !== undefined && !isPaused(host, queue.now)) sayBye(world, host, agent, 'reboot');
  schedule(queue, queue.now + ofMillis(ELSEWHERE_MS), goDown);
  last(faults, ELSEWHERE_MS + forMs, host, () => {
    goDown();
    start(world, host);
  });
}

function kill(faults: Faults, host: Host, forMs: number): void {
  if (host.agent === undefined) return;
  crash(faults.world, host);
  last(faults, forMs, host, () => start(faults.world, host));
}

function lead(
  world: World,
  host: Host,
  { nth, to, force }: Extract<Strike, { readonly kind: 'lead' }>,
): void {
  const keys = [...(host.agent?.core.knowledge?.wanted ?? [])];
  const key = keys[nth % keys.length];
  const heir = world.hosts[to];
  if (key === undefined || heir === undefined) return;
  const given = { kind: 'lead', key, to: heir.id, force } as const;
  command(world, host, `${LEAD_COMMAND}${world.queue.now}/${nth}`, given);
}

function failDisk(
  faults: Faults,
  host: Host,
  { fault, forMs }: Extract<Strike, { readonly kind: 'disk' }>,
): void {
  const { world } = faults;
  if (fault !== 'lost') {
    host.disk.fault = fault;
    return last(faults, forMs, host, () => void (host.disk.fault = undefined));
  }
  if (host.agent === undefined || !canBeSpared(world, host)) return;
  crash(world, host);
  world.byId.delete(host.id);
  loseDisk(host);
  becomeAnother(world.network, host.index);
  world.byId.set(host.id, host);
  last(faults, forMs, host, () => start(world, host));
}

/**
 * Whether the voters that still have their disks are a majority without this one, under every roster.
 * Those that never fetched the state of the old ones do not count, but for the ones to come, who can.
 */
function canBeSpared({ hosts, byId }: World, host: Host): boolean {
  const hasState = (other: Host | undefined): boolean =>
    (other?.disk.durable.get('host') as { readonly synced?: boolean } | undefined)?.synced === true;
  return hosts.every(({ agent }) => {
    const roster = agent?.core.council.roster;
    if (roster === undefined) return true;
    const { voters, next = voters } = roster;
    const isKept = (voter: HostId): boolean => voter !== host.id && byId.has(voter);
    const isEnough = (kept: readonly HostId[], of: readonly HostId[]): boolean =>
      of.length === 0 || 2 * kept.length > of.length;
    const present = voters.filter((voter) => isKept(voter) && hasState(byId.get(voter)));
    return isEnough(present, voters) && isEnough(next.filter(isKept), next);
  });
}

function wake({ around, queue }: World, host: Host): void {
  if (host.asleepUntil > 0) {
    host.sleptUntil = queue.now;
    awake(host.guard);
  }
  host.pausedUntil = 0;
  host.asleepUntil = 0;
  resume(around, host);
}

/** Who stands still does so for ever. */
function freeze({ queue }: World, host: Host): void {
  if (queue.now < host.pausedUntil) host.pausedUntil = Infinity;
  if (queue.now < host.asleepUntil) host.asleepUntil = Infinity;
}

/** What a shrunk tape says of hosts that are no more is passed over. */
const within = (
  { options: { hostCount } }: World,
  ways: Extract<Strike, { kind: 'cut' }>['ways'],
) => ways.filter(([from, to]) => from < hostCount && to < hostCount && from !== to);

/**
 * The fault goes on for so long, or until its host is healed. Its end is no deed: at the same moment
 * it comes after whatever is done from outside, drawn or from a tape.
 */
function last(faults: Faults, forMs: number, host: Host | undefined, undo: () => void): void {
  const { world, ongoing } = faults;
  const one: Ongoing = { host: host?.index, undo };
  ongoing.add(one);
  schedule(world.queue, world.queue.now + ofMillis(forMs), () => {
    if (ongoing.delete(one)) undo();
  });
}

/** Ends all faults of these hosts and between them; whatever else is broken stays so for ever. */
export function heal(faults: Faults, core: ReadonlySet<HostIndex>): void {
  const { world, ongoing } = faults;
  world.core = core;
  const all = [...ongoing];
  ongoing.clear();
  calmAmong(world.network, core);
  for (const { host, undo } of all) if (host !== undefined && core.has(host)) undo();
  for (const host of world.hosts) if (!core.has(host.index)) freeze(world, host);
  for (const index of core) {
    const host = world.hosts[index];
    if (host === undefined) continue;
    host.lagMs = 0;
    host.disk.fault = undefined;
    wake(world, host);
    start(world, host);
  }
}
