/**
 * Users: they deploy and destroy stacks at whatever agent they reach, and ask again, sometimes at
 * another agent, when the outcome is unknown.
 */
import { stackKey } from '../protocol/base/ids.ts';
import { millis } from '../protocol/base/time.ts';
import type {
  ComponentSpec,
  Dependency,
  RestartPolicy,
  StackSpec,
} from '../protocol/component/spec.ts';
import type { CommandResult } from '../protocol/effect.ts';
import type { Command } from '../protocol/input.ts';
import type { Expected, Revision } from '../protocol/record/record.ts';
import { noteExpected } from './checkers/expectations.ts';
import { noteAck, noteRefused, type RecordChecker } from './checkers/records.ts';
import { exponential, happens, pick, type Stream, streamOf, within } from './choice.ts';
import { ofMillis, schedule, scheduleDeed } from './event-queue.ts';
import { CONFIG } from './options.ts';
import type { HostIndex } from './strike.ts';
import {
  drawBeyond,
  drawPlacement,
  type PlacementDraws,
  placementDraws,
} from './placement-draws.ts';
import { drawFollowing } from './follow-draws.ts';
import { drawPorts } from './port-draws.ts';
import { drawWord } from './steering-draws.ts';
import { drawDud, drawRestart, drawUpdate } from './update-draws.ts';
import type { World } from './world.ts';

/** One command of a user, and which time it is asked. */
export type Errand = {
  readonly stack: string;
  readonly given: Extract<Command, { readonly kind: 'deploy' | 'destroy' }>;
  readonly attempt: number;
};
export const errandId = ({ given, attempt }: Errand): string => `${given.deployId}/${attempt}`;

/** What ids of commands begin with that are no errands: nobody counts on their answers. */
export const LEAD_COMMAND = 'lead/';
export const FORGET_COMMAND = 'forget/';
export const ADJUST_COMMAND = 'adjust/';
export const FORCE_COMMAND = 'force/';
const NO_ERRANDS = [LEAD_COMMAND, FORGET_COMMAND, ADJUST_COMMAND, FORCE_COMMAND];

export type Workload = {
  readonly world: World;
  readonly draw: Stream;
  /** What holds for components where hosts cannot hear each other. */
  readonly contracts: Stream;
  readonly volumes: Stream;
  /** Which hosts may run what. */
  readonly placements: PlacementDraws;
  /** Which of them may never run twice. */
  readonly singletons: Stream;
  /** Whether what ends is started again. */
  readonly restarts: Stream;
  /** What is to come to an end. */
  readonly jobs: Stream;
  /** What is to be there before others start. */
  readonly dependencies: Stream;
  /** How what has changed comes to the slots, and what is deployed that never works. */
  readonly updates: Stream;
  /** What they say of a rollout. */
  readonly steering: Stream;
  /** What is published. */
  readonly ports: Stream;
  /** What follows what it depends on. */
  readonly follows: Stream;
  /** When users looked at what there is. */
  readonly looks: Stream;
  readonly checker: RecordChecker;
  /** Gives a user's command to the agent of a host. */
  readonly command: (host: HostIndex, errand: Errand) => void;
  /** Asked and not answered, by id. */
  readonly open: Map<string, Errand>;
  /** Of these, asked again as no answer came: whatever comes now is not waited for. */
  readonly overdue: Set<string>;
  /** Drawn, rather than told by a tape. */
  readonly isDrawn: boolean;
  /** Of each stack, the newest revisions that users were told of: what they may expect to find. */
  readonly told: Map<string, readonly Revision[]>;
  count: number;
  readonly outcomes: { committed: number; refused: number; unknown: number };
};

export function createWorkload(
  world: World,
  checker: RecordChecker,
  { isDrawn, command }: Pick<Workload, 'isDrawn' | 'command'>,
): Workload {
  return {
    world,
    draw: streamOf(world.choices, 'users'),
    contracts: streamOf(world.choices, 'contracts'),
    volumes: streamOf(world.choices, 'volumes'),
    placements: placementDraws(world.choices),
    singletons: streamOf(world.choices, 'singletons'),
    restarts: streamOf(world.choices, 'restarts'),
    jobs: streamOf(world.choices, 'jobs'),
    dependencies: streamOf(world.choices, 'dependencies'),
    updates: streamOf(world.choices, 'updates'),
    steering: streamOf(world.choices, 'steering'),
    ports: streamOf(world.choices, 'ports'),
    follows: streamOf(world.choices, 'follows'),
    looks: streamOf(world.choices, 'looks'),
    checker,
    command,
    open: new Map(),
    overdue: new Set(),
    isDrawn,
    told: new Map(),
    count: 0,
    outcomes: { committed: 0, refused: 0, unknown: 0 },
  };
}

/** A command reaches an agent. */
export function noteAsked(workload: Workload, errand: Errand): void {
  const { world, checker, open, overdue } = workload;
  const id = errandId(errand);
  open.set(id, errand);
  if (errand.given.expect !== undefined)
    noteExpected(checker, errand.given.deployId, errand.given.expect);
  // An agent that dies does not answer; what is given once must get there nevertheless.
  if (world.options.workload.kind === 'given')
    schedule(world.queue, world.queue.now + ofMillis(UNANSWERED_MS), () => {
      if (!open.has(id)) return;
      overdue.add(id);
      askAgain(workload, { ...errand, attempt: errand.attempt + 1 });
    });
}

/** One command after the other until the storm ends, or what is given once. */
export function keepAsking(workload: Workload): void {
  const { workload: wanted } = workload.world.options;
  if (!workload.isDrawn) return;
  if (wanted.kind === 'random') return keepDrawing(workload, wanted);
  for (const spec of wanted.stacks) {
    workload.count += 1;
    const deployId = `op${workload.count}`;
    askIn(workload, FIRST_MS, () => ({
      stack: spec.name,
      given: { kind: 'deploy', deployId, spec },
      attempt: 1,
    }));
  }
}

/** When the first hosts have met. */
const FIRST_MS = 1000;
const AGAIN_MS = 500;
/** Whoever lives has answered by then. */
const UNANSWERED_MS = CONFIG.commandMs + 1000;

const STACKS = ['shop', 'blog', 'mail'];
type Random = Extract<World['options']['workload'], { readonly kind: 'random' }>;
function keepDrawing(workload: Workload, random: Random): void {
  askIn(workload, random.everyMs, () => {
    keepDrawing(workload, random);
    return drawErrand(workload, random);
  });
}

/** Asks an agent in about so long, unless the storm is over then. */
function askIn(workload: Workload, meanMs: number, errand: () => Errand): void {
  const { world, draw, command } = workload;
  const at = world.queue.now + 1 + exponential(draw, ofMillis(meanMs));
  scheduleDeed(world.queue, at, () => {
    if (world.core !== undefined) return;
    const asked = errand();
    const reachable = world.hosts.filter(({ agent }) => agent !== undefined);
    if (reachable.length > 0) command(pick(draw, reachable).index, asked);
    else if (world.options.workload.kind === 'given') askIn(workload, AGAIN_MS, () => asked);
  });
}

function drawErrand(workload: Workload, { stackCount }: Random): Errand {
  const { draw } = workload;
  workload.count += 1;
  const deployId = `op${workload.count}`;
  const word = drawWord(workload.world, workload.steering, deployId);
  if (word !== undefined) return { stack: word.spec.name, given: word, attempt: 1 };
  const stack = pick(draw, STACKS.slice(0, stackCount));
  const expect = drawExpected(workload, stack);
  const given = happens(draw, 150)
    ? ({ kind: 'destroy', deployId, stack, ...expect } as const)
    : ({
        kind: 'deploy',
        deployId,
        spec: drawSpec(workload, stack, deployId),
        ...expect,
      } as const);
  return { stack, given, attempt: 1 };
}

const TOLD_MAX = 2;

/** What was there when this user looked, which may be a while ago. */
function drawExpected({ looks, told }: Workload, stack: string): { readonly expect?: Expected } {
  if (!happens(looks, 300)) return {};
  const known: readonly Expected[] = told.get(stack) ?? ['none'];
  return { expect: pick(looks, known) };
}

function drawSpec(workload: Workload, name: string, op: string): StackSpec {
  const { draw, restarts } = workload;
  const { dudPermille } = workload.world.options.rollouts ?? {};
  const base: ComponentSpec = {
    name: 'web',
    mode: 'replicated',
    replicas: within(draw, 0, 3),
    process: { command: ['serve'] },
    environment: { OP: happens(draw, 500) ? op : 'same' },
    ports: [],
    volumes: [],
    restart: drawRestart(restarts),
    dependsOn: [],
    stopGraceMs: millis(1000),
  };
  const healthcheck = happens(draw, 300) ? { healthcheck: CHECK } : {};
  const web: ComponentSpec = {
    ...base,
    ...healthcheck,
    ...drawContract(workload),
    ...drawPlacement(workload.placements, base.mode),
    ...drawUpdate(workload.updates, op),
    environment: { ...base.environment, ...drawDud(workload.updates, dudPermille) },
  };
  // So that each deploy changes something.
  const mode = happens(draw, 200) ? 'global' : 'replicated';
  const db: ComponentSpec = {
    ...base,
    name: 'db',
    mode,
    replicas: 1,
    environment: { OP: op },
    ...drawContract(workload),
    ...drawPlacement(workload.placements, mode),
    ...(happens(workload.volumes, 400) ? { volumes: [DATA] } : {}),
    ...drawUpdate(workload.updates, op),
  };
  const jobs = drawJobs(workload, op);
  const waiting = { ...web, dependsOn: drawDependencies(workload, db, jobs) };
  const { options } = workload.world;
  const isServed = happens(draw, 500);
  const { affinity, balance, follows } = options;
  const isPlaced = [affinity, balance, follows].some((theme) => theme !== undefined);
  const all = [db, ...(isServed || isPlaced ? [waiting] : []), ...jobs];
  const published = drawPorts(workload.ports, all, {
    stack: STACKS.indexOf(name),
    permille: options.ports?.permille,
  });
  const components = drawFollowing(workload.follows, published, follows?.permille);
  return { name, components: drawBeyond(workload.placements, components, options) };
}

/** Of what may end for good nobody could say that it will be there. */
function drawDependencies(
  { dependencies: draw }: Workload,
  db: ComponentSpec,
  [job]: readonly ComponentSpec[],
): readonly Dependency[] {
  const isNeeded = happens(draw, 400);
  const condition: Dependency['condition'] = happens(draw, 500) ? 'started' : 'healthy';
  const common = { required: happens(draw, 800), restart: happens(draw, 200) };
  const isAwaited = happens(draw, 500);
  const onDb: readonly Dependency[] =
    isNeeded && db.restart.kind === 'always' ? [{ on: db.name, condition, ...common }] : [];
  return job === undefined || !isAwaited
    ? onDb
    : [...onDb, { on: job.name, condition: 'completed', ...common }];
}

const JOB_PERMILLE = 300;

/** Sometimes the very same job once more: what has ended is not run again then. */
function drawJobs({ jobs: draw }: Workload, op: string): readonly ComponentSpec[] {
  if (!happens(draw, JOB_PERMILLE)) return [];
  const timeout = happens(draw, 300) ? { timeoutMs: millis(within(draw, 2000, 8000)) } : {};
  const retries = happens(draw, 500) ? { retryMax: within(draw, 0, 2) } : {};
  const restart: RestartPolicy = happens(draw, 300)
    ? { kind: 'no' }
    : { kind: 'onFailure', ...retries };
  const load: ComponentSpec = {
    name: 'load',
    mode: happens(draw, 200) ? 'global' : 'replicated',
    replicas: within(draw, 1, 3),
    process: { command: ['load'] },
    environment: { OP: happens(draw, 500) ? op : 'same' },
    ports: [],
    volumes: [],
    restart,
    job: timeout,
    dependsOn: [],
    stopGraceMs: millis(1000),
  };
  return [load];
}

type Contract = Pick<ComponentSpec, 'singleton' | 'onIsolation' | 'onHeal'>;

const STRICT_PERMILLE = 300;

function drawContract({ contracts: draw, singletons, world }: Workload): Contract {
  const contract = drawHealing(draw);
  const { workload } = world.options;
  const given = workload.kind === 'random' ? workload.strictPermille : undefined;
  const isStrict = happens(singletons, given ?? STRICT_PERMILLE);
  return isStrict ? { singleton: 'strict' } : contract;
}

function drawHealing(draw: Stream): Contract {
  const action = happens(draw, 500) ? 'stop' : 'freeze';
  const onIsolation = { action, afterMs: millis(within(draw, 3000, 6000)) } as const;
  const onHeal = happens(draw, 700) ? 'keepOldest' : 'keepLeader';
  return {
    ...(happens(draw, 500) ? { onIsolation } : {}),
    ...(happens(draw, 500) ? { onHeal } : {}),
  };
}

const DATA = { kind: 'named', source: 'data', target: '/data', readOnly: false } as const;

const CHECK = {
  test: { kind: 'shell', line: 'true' },
  intervalMs: millis(1000),
  timeoutMs: millis(1000),
  retries: 3,
  startPeriodMs: millis(0),
} as const;

/** An agent has answered. */
export function onReply(workload: Workload, commandId: string, result: CommandResult): void {
  const { checker, outcomes, open, overdue, world } = workload;
  if (NO_ERRANDS.some((name) => commandId.startsWith(name))) return;
  const errand = open.get(commandId);
  if (errand === undefined) return checker.report('S11', `${commandId} is answered twice`);
  open.delete(commandId);
  const { deployId } = errand.given;
  const isGiven = world.options.workload.kind === 'given';
  const mustGetThere = isGiven && !overdue.delete(commandId);
  switch (result.kind) {
    case 'committed':
      outcomes.committed += 1;
      workload.told.set(
        errand.stack,
        [...(workload.told.get(errand.stack) ?? []), result.revision].slice(-TOLD_MAX),
      );
      if (result.changed) noteAck(checker, stackKey(errand.stack), deployId, result.revision);
      return;
    case 'refused':
      outcomes.refused += 1;
      if (errand.attempt === 1)
        noteRefused(checker, stackKey(errand.stack), deployId, {
          written: SAID_BY_LEADERS.has(result.code),
        });
      // What is given once must get there: under another id, as the first was never applied.
      if (mustGetThere)
        askAgain(workload, { ...errand, given: { ...errand.given, deployId: anew(deployId) } });
      return;
    case 'unknown':
      outcomes.unknown += 1;
      // Never within the step that answers: the agent hears one thing at a time.
      if (mustGetThere || (!isGiven && errand.attempt < ATTEMPTS_MAX))
        askAgain(workload, { ...errand, attempt: errand.attempt + 1 });
      return;
    case 'led':
    case 'forgotten':
    case 'forced':
    case 'leaving':
    case 'adjusted':
    case 'restarting':
    case 'noSuchInstance':
  }
}

/** Refusals of leaders, who have read a quorum. */
const SAID_BY_LEADERS: ReadonlySet<string> = new Set(['no-such-stack', 'stale']);

/** `op1`, `op1+1`, `op1+2`… */
function anew(deployId: string): string {
  const [first = '', count = '0'] = deployId.split('+');
  return `${first}+${Number(count) + 1}`;
}

const ATTEMPTS_MAX = 3;
function askAgain(workload: Workload, errand: Errand): void {
  if (workload.isDrawn) askIn(workload, AGAIN_MS, () => errand);
}
