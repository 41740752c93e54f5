/**
 * A few hosts in front of all checkers: their steps, messages and writes are made up, and so is what
 * they believe, so that each checker can be shown what no correct host does.
 */
import { ballot, clusterId, type HostId, type Key, term } from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import { firstTerms } from '../../../protocol/config.ts';
import { type Core, createCore, step } from '../../../protocol/core.ts';
import type { DiskWrite, Effect } from '../../../protocol/effect.ts';
import type { Input } from '../../../protocol/input.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import {
  checkBegun,
  checkStep,
  checkSynced,
  createPanel,
  type Panel,
} from '../../../sim/checkers/panel.ts';
import { choicesOfSeed, streamOf } from '../../../sim/choice.ts';
import { restore } from '../../../sim/disk.ts';
import { createEngine } from '../../../sim/engine/engine.ts';
import { createEngineWork } from '../../../sim/engine/work.ts';
import { createPost } from '../../../sim/guard.ts';
import { createEventQueue } from '../../../sim/event-queue.ts';
import { type Agent, createHost, type Host, type Outward } from '../../../sim/host.ts';
import { CONFIG } from '../../../sim/options.ts';

export type Stage = {
  nowMs: number;
  readonly hosts: readonly Host[];
  readonly panel: Panel;
  /** What was reported: `S1 h1 leads …`. */
  readonly seen: string[];
};

const CHOICES = choicesOfSeed(1);
const VOTERS = ['h1', 'h2', 'h3'];

/** Three voters, and h4 beside them, all members of one cluster at epoch 5. */
export function newStage(): Stage {
  const seen: string[] = [];
  const panel = createPanel((rule, text) => seen.push(`${rule} ${text}`));
  const hosts = [0, 1, 2, 3].map((index) => {
    const name = `h${index + 1}`;
    const engine = createEngine({
      name,
      queue: createEventQueue(),
      choices: CHOICES,
      lifeMs: undefined,
      publishAddress: '0.0.0.0',
      isCalm: () => true,
      isOver: () => true,
      started: () => undefined,
    });
    const guard = createPost(engine.queue, streamOf(CHOICES, `${name}/guard`), {
      engine: () => engine,
      isLost: () => false,
      asleepUntil: () => 0,
      isAgentWell: () => true,
      noted: () => undefined,
    });
    const host = createHost(index, engine, guard, CHOICES);
    const members = [1, 2, 3, 4].map((n) => ({ id: `h${n}`, name: `h${n}`, peerId: `p${n}` }));
    const value = { kind: 'members', members };
    const record = { key: 'sys/roster', revision: { term: 1, seq: 1 }, value };
    host.disk.durable.set('roster', {
      epoch: 5,
      voters: VOTERS,
      termMs: firstTerms(CONFIG),
    });
    host.disk.durable.set('host', {
      boot: 1,
      ceiling: 0,
      maxTermMs: CONFIG.termMs,
      synced: index < 3,
    });
    host.disk.durable.set('committed/sys/roster', record);
    return host;
  });
  const stage: Stage = { nowMs: 100_000, hosts, panel, seen };
  for (const host of hosts) start(stage, host);
  return stage;
}

export function hostOf({ hosts }: Stage, name: string): Host {
  const host = hosts.find(({ id }) => id === name);
  if (host === undefined) throw new Error(`there is no ${name}`);
  return host;
}

export function agentOf(stage: Stage, name: string): Agent {
  const { agent } = hostOf(stage, name);
  if (agent === undefined) throw new Error(`${name} has no agent`);
  return agent;
}
export const coreOf = (stage: Stage, name: string): Core => agentOf(stage, name).core;

/** A new life of the agent, over what is on its disk. */
export function restart(stage: Stage, name: string): void {
  start(stage, hostOf(stage, name));
}

function start(stage: Stage, host: Host): void {
  const restored = restore(host.disk, CONFIG);
  if (!restored.ok) throw new Error(JSON.stringify(restored.error));
  const facts = {
    kind: 'host',
    name: host.id,
    agent: '1',
    engine: 'simulated',
    runs: 'processes',
    publishAddress: '0.0.0.0',
    cpuCount: 1,
    memoryBytes: 1,
  } as const;
  const identity = {
    host: host.id,
    cluster: clusterId('stage'),
    name: host.id,
    peerId: `peer-${host.id}`,
    facts,
  };
  const core = createCore(CONFIG, identity, 1, restored.value);
  host.agent = {
    core,
    clock: { ratePermille: 0, offsetMs: 0 },
    work: createEngineWork(host.engine, () => undefined),
    waiting: [],
    writing: false,
    begun: true,
    wakeAt: Infinity,
    isNoticed: false,
    isBehind: false,
  };
  const input: Input = { kind: 'started' };
  const effects = step(core, input, instant(stage.nowMs));
  checkStep(stage.panel, host, { input, effects }, stage.nowMs * 1000);
  for (const effect of effects) if (effect.kind === 'persist') keep(stage, host.id, effect.writes);
}

/** A step of the host, with these effects. Its core is left as it is. */
export function take(
  stage: Stage,
  name: string,
  input: Input | undefined,
  ...effects: readonly Effect[]
): void {
  const what = { input: input ?? { kind: 'woken' }, effects } as const;
  checkStep(stage.panel, hostOf(stage, name), what, stage.nowMs * 1000);
}

export const heard = (from: string, message: Message): Input => ({
  kind: 'messageReceived',
  from: from as HostId,
  message,
});

export const send = (to: string, message: Message): Extract<Effect, { kind: 'send' }> => ({
  kind: 'send',
  to: to as HostId,
  message,
});

/** An effect leaves the host. */
export function leave(stage: Stage, name: string, effect: Outward): void {
  checkBegun(stage.panel, hostOf(stage, name), effect, stage.nowMs * 1000);
}

/** Writes have become durable. */
export function keep(stage: Stage, name: string, writes: readonly DiskWrite[]): void {
  const host = hostOf(stage, name);
  for (const write of writes) host.disk.durable.set(write.name, write.value);
  checkSynced(stage.panel, host, writes);
}

/** From now on, and in its next step, the host leads the key for so long by its own clock. */
export function lead(stage: Stage, name: string, key: Key, n: number, forMs: number): void {
  const { leases } = coreOf(stage, name);
  const until = instant(stage.nowMs + forMs);
  leases?.holder.holds.set(key, {
    ballot: ballot(n),
    phase: 'accept',
    startedAt: instant(stage.nowMs),
    resendAt: instant(stage.nowMs),
    promises: new Set(),
    refusals: new Set(),
    outbid: new Set(),
    accepted: new Map(),
    current: new Map(),
    term: term(n),
    carriedUntil: until,
    reportedUntil: until,
    counted: undefined,
  });
  take(stage, name, undefined);
}
