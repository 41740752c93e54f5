/**
 * One instance from its making to its removal, and what it does by itself meanwhile.
 *
 *     created ──launch──▶ running ──end──▶ exited ──discard──▶ (gone)
 *                          ▲   │              ▲
 *                          └─ paused ─────────┘
 */
import type { ComponentSpec, Job } from '../../protocol/component/spec.ts';
import type { Effect } from '../../protocol/effect.ts';
import { below, exponential, happens, pick, within } from '../choice.ts';
import { ofMillis, schedule } from '../event-queue.ts';
import {
  atDaemon,
  DUD,
  emit,
  type Engine,
  type Instance,
  isRough,
  isStrict,
  noteRun,
  noteTry,
  type Program,
} from './engine.ts';

export type Request = Omit<Extract<Effect, { readonly kind: 'startInstance' }>, 'kind'>;

const KILLED = 137;
const TERMINATED = 143;
/** Between two looks at what is frozen. */
const FROZEN_MS = 500;
/** How long an image lives that ends, and between two looks of one that is ill. */
const DUD_LIFE_MS = 50;
const ILL_MS = 1000;
/** The first of the ports that the engine chooses. */
const EPHEMERAL = 32_768;

export const nameOf = ({ component, slot, attempt }: Request): string =>
  `${component}-${slot}-${attempt}`;

export function create(engine: Engine, request: Request, program: Program): Instance {
  const { component, slot, attempt, revision, term, spec, addresses } = request;
  engine.made += 1;
  const engineId = `${engine.name}-${engine.made}`;
  const health = spec.healthcheck === undefined ? 'none' : 'starting';
  const ports = spec.ports.map(({ target, published, address, protocol }) => ({
    target,
    published: published ?? EPHEMERAL + engine.made,
    address: address ?? engine.publishAddress,
    ...(protocol === 'udp' && { protocol }),
  }));
  const told = addresses === undefined ? {} : { addresses };
  const labels = { engineId, component, slot, attempt, revision, term, ...told };
  const instance: Instance = {
    name: nameOf(request),
    spec,
    program,
    observed: { ...labels, state: 'created', health, ports },
    isWell: program.isWell,
    wellChanges: 0,
    awaited: [],
    stills: { daemon: false, guard: false },
    isDoomed: false,
    wasChanged: false,
    isStartedAgain: false,
  };
  engine.instances.set(engineId, instance);
  return instance;
}

export const isRunning = ({ observed }: Instance): boolean => observed.state === 'running';
/** It has a process, which may be frozen. */
export const isAlive = ({ observed: { state } }: Instance): boolean =>
  state === 'running' || state === 'paused';

/** What befalls a frozen instance by itself passes it by. */
export function setStill(
  engine: Engine,
  instance: Instance,
  isFrozen: boolean,
  by: keyof Instance['stills'] = 'daemon',
): void {
  const { engineId } = instance.observed;
  const { stills } = instance;
  stills[by] = isFrozen;
  const isStill = stills.daemon || stills.guard;
  if (!isAlive(instance) || isRunning(instance) !== isStill) return;
  instance.observed = { ...instance.observed, state: isStill ? 'paused' : 'running' };
  if (by === 'daemon')
    emit(engine, { kind: isStill ? 'instanceFrozen' : 'instanceThawed', engineId });
}

export function launch(engine: Engine, instance: Instance): void {
  const { fate } = instance.program;
  if (isStrict(instance) && engine.gate?.(instance) === false) return turnAway(engine, instance);
  instance.observed = { ...instance.observed, state: 'running' };
  noteRun(engine, instance.observed);
  noteTry(engine, instance);
  engine.started(instance.observed);
  emit(engine, { kind: 'instanceStarted', instance: instance.observed });
  if (instance.spec.job !== undefined) goThrough(engine, instance, fate);
  else if (fate !== undefined)
    onceStill(engine, instance, fate.afterMs, () => meetFate(engine, instance));
  if (engine.faults.crashLoop > 0) {
    const afterMs = within(engine.chances.life, 50, 500);
    onceStill(engine, instance, afterMs, () => end(engine, instance, 1));
  }
  if (engine.faults.meddle > 0) {
    const afterMs = within(engine.chances.drift, 50, 500);
    onceStill(engine, instance, afterMs, () => change(engine, instance));
  }
  const wrong = engine.isOver() ? undefined : instance.spec.environment[DUD];
  if (wrong === 'ends') onceStill(engine, instance, DUD_LIFE_MS, () => end(engine, instance, 1));
  if (wrong === 'ill') fallIll(engine, instance);
  else if (instance.isWell) setWell(engine, instance, true);
}

const DRIFT = 'it has left its network';

/** Others change what its engine keeps of it, and it runs on; or, done again, put it right. */
export function change(engine: Engine, instance: Instance): void {
  const { engineId, drift, ...as } = instance.observed;
  const isRight = drift !== undefined;
  instance.wasChanged = true;
  instance.observed = { engineId, ...as, ...(isRight ? {} : { drift: DRIFT }) };
  emit(engine, { kind: 'instanceDrifted', engineId, ...(isRight ? {} : { drift: DRIFT }) });
}

/** By others, what has ended: it has another beginning than before. */
export function startAgain(engine: Engine, instance: Instance): void {
  if (isAlive(instance)) return;
  const { exitCode: _, ...observed } = instance.observed;
  instance.isStartedAgain = true;
  const startedAt = `again at ${engine.queue.now}`;
  instance.observed = { ...observed, state: 'running', startedAt };
  emit(engine, { kind: 'instanceStarted', instance: instance.observed });
}

/** What ails it is over in the calm. */
function fallIll(engine: Engine, instance: Instance): void {
  const recover = (): void => {
    if (engine.isOver()) setWell(engine, instance, true);
    else inTime(engine, instance, ILL_MS, recover);
  };
  setWell(engine, instance, false);
  recover();
}

/** It does not get past the guard's gate: it ends before its first instruction. */
function turnAway(engine: Engine, instance: Instance): void {
  const { engineId } = instance.observed;
  instance.observed = { ...instance.observed, state: 'exited', exitCode: KILLED };
  emit(engine, { kind: 'instanceExited', engineId, exitCode: KILLED, oomKilled: false });
}

/** Then, if it still runs. */
function onceStill(engine: Engine, instance: Instance, ms: number, run: () => void): void {
  schedule(engine.queue, engine.queue.now + ofMillis(ms), () => {
    if (isRunning(instance)) run();
  });
}

/** Then, or once it is no longer frozen: what comes of its own course, or is looked at again and again. */
function inTime(engine: Engine, instance: Instance, ms: number, run: () => void): void {
  schedule(engine.queue, engine.queue.now + ofMillis(ms), () => {
    if (isRunning(instance)) run();
    else if (isAlive(instance)) inTime(engine, instance, FROZEN_MS, run);
  });
}

/** A job ends when it is done, in the calm too. */
function goThrough(engine: Engine, instance: Instance, fate: Program['fate']): void {
  if (fate?.kind !== 'ends') return;
  inTime(engine, instance, fate.afterMs, () => end(engine, instance, fate.exitCode));
}

function meetFate(engine: Engine, instance: Instance): void {
  const { fate } = instance.program;
  if (fate === undefined || engine.isCalm()) return;
  if (fate.kind === 'ends') return end(engine, instance, fate.exitCode);
  setWell(engine, instance, false);
  inTime(engine, instance, fate.forMs, () => setWell(engine, instance, true));
}

/** What its healthcheck finds from now on. The engine believes one good check, or several bad ones. */
export function setWell(engine: Engine, instance: Instance, isWell: boolean): void {
  const { healthcheck } = instance.spec;
  if (healthcheck === undefined) return;
  instance.isWell = isWell;
  instance.wellChanges += 1;
  const { wellChanges } = instance;
  const checks = isWell ? 1 : Math.max(1, healthcheck.retries);
  inTime(engine, instance, checks * healthcheck.intervalMs, () => {
    if (instance.wellChanges === wellChanges)
      turn(engine, instance, isWell ? 'healthy' : 'unhealthy');
  });
}

function turn(engine: Engine, instance: Instance, health: 'healthy' | 'unhealthy'): void {
  const { engineId } = instance.observed;
  if (instance.observed.health === health) return;
  instance.observed = { ...instance.observed, health };
  emit(engine, { kind: 'instanceHealthChanged', engineId, health });
}

/** SIGTERM; a frozen one goes on to hear it. */
export function terminate(engine: Engine, instance: Instance): void {
  setStill(engine, instance, false);
  const { farewellMs } = instance.program;
  if (farewellMs !== undefined)
    onceStill(engine, instance, farewellMs, () => end(engine, instance, TERMINATED));
}

/** SIGKILL; a kernel that is stuck takes its time. */
export function kill(engine: Engine, instance: Instance): void {
  const { stop } = engine.chances;
  if (!isAlive(instance)) return;
  instance.isDoomed = true;
  const isStuck = isRough(engine) && happens(stop, 50);
  const takes = ofMillis(isStuck ? within(stop, 1000, 5000) : 1);
  schedule(engine.queue, engine.queue.now + takes, () => end(engine, instance, KILLED));
}

export function end(engine: Engine, instance: Instance, exitCode: number): void {
  const { engineId } = instance.observed;
  if (!isAlive(instance)) return;
  const { drift: _, ...observed } = instance.observed;
  instance.observed = { ...observed, state: 'exited', exitCode };
  noteTry(engine, instance, exitCode);
  emit(engine, { kind: 'instanceExited', engineId, exitCode, oomKilled: false });
  for (const hear of instance.awaited.splice(0)) atDaemon(engine, hear);
}

/** Takes it away; one that runs has to be killed first. */
export function discard(engine: Engine, { observed: { engineId } }: Instance): void {
  if (engine.instances.delete(engineId)) emit(engine, { kind: 'instanceRemoved', engineId });
}

const FATES = ['none', 'ends', 'ends', 'ends', 'ends', 'ends', 'endsAtOnce', 'fallsIll'] as const;

/** Where things go wrong most instances end soon, some at once, some fall ill; a few cannot be told to end. */
export function drawProgram(engine: Engine, { job }: ComponentSpec): Program {
  const { life, stop } = engine.chances;
  if (job !== undefined) return drawJob(engine, job);
  const farewellMs = exponential(stop, 200);
  const isWell = true;
  if (engine.lifeMs === undefined || engine.isCalm()) return { farewellMs, isWell };
  const kind = pick(life, FATES);
  const afterMs = kind === 'endsAtOnce' ? 0 : exponential(life, engine.lifeMs);
  const forMs = exponential(life, 3000);
  const exitCode = below(life, 3);
  const program = { farewellMs: happens(stop, 50) ? undefined : farewellMs, isWell };
  switch (kind) {
    case 'none':
      return program;
    case 'fallsIll':
      return { ...program, fate: { kind, afterMs, forMs } };
    case 'ends':
    case 'endsAtOnce':
      return { ...program, fate: { kind: 'ends', afterMs, exitCode } };
  }
}

/** Where things go wrong some jobs fail, and of those that have a timeout some go on for ever. */
function drawJob(engine: Engine, { timeoutMs }: Job): Program {
  const { jobs } = engine.chances;
  const [farewellMs, afterMs] = [exponential(jobs, 200), exponential(jobs, 2000)];
  const [fails, hangs] = [happens(jobs, 300), happens(jobs, 300)];
  const program = { farewellMs, isWell: true };
  if (!isRough(engine)) return { ...program, fate: { kind: 'ends', afterMs, exitCode: 0 } };
  if (hangs && timeoutMs !== undefined) return program;
  return { ...program, fate: { kind: 'ends', afterMs, exitCode: fails ? 3 : 0 } };
}
