/**
 * Users: they deploy and destroy stacks at whatever agent they reach, and ask again, sometimes at
 * another agent, when the outcome is unknown.
 */
import { stackKey } from '../protocol/base/ids.ts';
import { pick, type Prng, within } from '../protocol/base/prng.ts';
import { millis } from '../protocol/base/time.ts';
import type { ComponentSpec, StackSpec } from '../protocol/component/spec.ts';
import type { CommandResult } from '../protocol/effect.ts';
import type { Command } from '../protocol/input.ts';
import { createStream, happens } from './chance.ts';
import { noteAck, noteRefused, type RecordChecker } from './checkers/records.ts';
import { command, inAbout, type World } from './world.ts';

type Errand = {
  readonly stack: string;
  readonly given: Extract<Command, { readonly kind: 'deploy' | 'destroy' }>;
  attempts: number;
};
export type Workload = {
  readonly prng: Prng;
  readonly checker: RecordChecker;
  readonly errands: Map<string, Errand>;
  count: number;
  readonly outcomes: { committed: number; refused: number; unknown: number };
};

export function createWorkload(world: World, checker: RecordChecker): Workload {
  return {
    prng: createStream(world.options.seed, 'workload'),
    checker,
    errands: new Map(),
    count: 0,
    outcomes: { committed: 0, refused: 0, unknown: 0 },
  };
}

/** One command after the other until the faults stop. */
export function keepAsking(world: World, workload: Workload): void {
  inAbout(world, workload.prng, world.options.commandEveryMs, () => {
    if (world.network.healed) return;
    ask(world, workload, drawErrand(world, workload));
    keepAsking(world, workload);
  });
}

function ask(world: World, workload: Workload, errand: Errand): void {
  const reachable = world.hosts.filter(({ agent }) => agent !== undefined);
  if (reachable.length === 0) return;
  const host = pick(workload.prng, reachable);
  errand.attempts += 1;
  const id = `${errand.given.deployId}/${errand.attempts}`;
  workload.errands.set(id, errand);
  command(world, host, id, errand.given);
}

function drawErrand(world: World, workload: Workload): Errand {
  const { prng } = workload;
  workload.count += 1;
  const deployId = `op${workload.count}`;
  const stack = pick(prng, ['shop', 'blog', 'mail'].slice(0, world.options.stackCount));
  const given = happens(prng, 150)
    ? ({ kind: 'destroy', deployId, stack } as const)
    : ({ kind: 'deploy', deployId, spec: drawSpec(prng, stack, deployId) } as const);
  return { stack, given, attempts: 0 };
}

function drawSpec(prng: Prng, name: string, op: string): StackSpec {
  const base: ComponentSpec = {
    name: 'web',
    mode: 'replicated',
    replicas: within(prng, 0, 3),
    process: { command: ['serve'] },
    environment: { OP: happens(prng, 500) ? op : 'same' },
    ports: [],
    volumes: [],
    restart: { kind: 'always' },
    dependsOn: [],
    stopGraceMs: millis(1000),
  };
  const web: ComponentSpec = happens(prng, 300) ? { ...base, healthcheck: CHECK } : base;
  // So that each deploy changes something.
  const db: ComponentSpec = {
    ...base,
    name: 'db',
    mode: happens(prng, 200) ? 'global' : 'replicated',
    replicas: 1,
    environment: { OP: op },
  };
  return { name, components: happens(prng, 500) ? [db, web] : [db] };
}

const CHECK = {
  test: { kind: 'shell', line: 'true' },
  intervalMs: millis(1000),
  timeoutMs: millis(1000),
  retries: 3,
  startPeriodMs: millis(0),
} as const;

/** An agent has answered. */
export function onReply(
  world: World,
  workload: Workload,
  commandId: string,
  result: CommandResult,
): void {
  const errand = workload.errands.get(commandId);
  if (errand === undefined) return workload.checker.report('R7', `${commandId} is answered twice`);
  workload.errands.delete(commandId);
  const { deployId } = errand.given;
  switch (result.kind) {
    case 'committed':
      workload.outcomes.committed += 1;
      if (result.changed)
        noteAck(workload.checker, stackKey(errand.stack), deployId, result.revision);
      return;
    case 'refused':
      workload.outcomes.refused += 1;
      if (errand.attempts === 1)
        noteRefused(workload.checker, stackKey(errand.stack), deployId, {
          written: result.code === 'no-such-stack',
        });
      return;
    case 'unknown':
      workload.outcomes.unknown += 1;
      // Never within the step that answers: the agent hears one thing at a time.
      if (errand.attempts < 3)
        inAbout(world, workload.prng, 500, () => {
          if (!world.network.healed) ask(world, workload, errand);
        });
      return;
    case 'restarting':
    case 'noSuchInstance':
  }
}
