/**
 * How long a change of one host's inventory takes to reach every other host, with messages lost. A
 * container ends now here, now there; counted from the step in which its host took note of it.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import { millis } from '../../protocol/base/time.ts';
import type { StackSpec } from '../../protocol/component/spec.ts';
import { ofMillis } from '../event-queue.ts';
import type { Host } from '../host.ts';
import { quiet } from '../options.ts';
import { simulate } from '../run.ts';
import type { Deed } from '../tape.ts';

export type Convergence = {
  readonly hostCount: number;
  readonly lossPermille: number;
  readonly changes: number;
  /** Changes that had not reached everyone when the next one came. */
  readonly overtaken: number;
  /** Until the last host knew, over all changes. */
  readonly p50Ms: number;
  readonly p99Ms: number;
};

/** Everyone has joined, and runs its instance. */
const SETTLED_MS = 90_000;
const EVERY_MS = 3000;

type Change = {
  readonly owner: HostId;
  readonly version: number;
  readonly atMs: number;
  readonly behind: Set<number>;
};

export function benchConvergence(
  hostCount: number,
  lossPermille: number,
  changes: number,
): Convergence {
  const tookMs: number[] = [];
  let overtaken = 0;
  let change: Change | undefined;
  const timeline = Array.from({ length: changes }, (_, i): Deed => {
    const at = ofMillis(SETTLED_MS + i * EVERY_MS);
    return { at, kind: 'strike', strike: exitOn((7 * i) % hostCount) };
  });
  const stormMs = SETTLED_MS + (changes + 1) * EVERY_MS;
  const options = {
    ...quiet(1, hostCount, stormMs),
    voterCount: 3,
    lossPermille,
    gossip: 'mesh',
  } as const;
  simulate(
    { ...options, workload: { kind: 'given', stacks: [onePerHost()] } },
    {
      timeline,
      untilMs: stormMs,
      narrate(atMs, host, input) {
        if (input.kind === 'instanceExited') {
          if (change !== undefined) overtaken += 1;
          change = noteChange(host, atMs, hostCount);
        } else if (change !== undefined && hasLearned(change, host) && change.behind.size === 0) {
          tookMs.push(atMs - change.atMs);
          change = undefined;
        }
      },
    },
  );
  tookMs.sort((a, b) => a - b);
  const share = (permille: number): number =>
    tookMs[Math.ceil((tookMs.length * permille) / 1000) - 1] ?? Infinity;
  const figures = { hostCount, lossPermille, changes: tookMs.length, overtaken };
  return { ...figures, p50Ms: share(500), p99Ms: share(990) };
}

const exitOn = (host: number): Extract<Deed, { kind: 'strike' }>['strike'] => ({
  kind: 'exit',
  host,
  nth: 0,
  how: 'exit',
});

function noteChange({ id, agent, index }: Host, atMs: number, hostCount: number): Change {
  const version = agent?.core.inventories.byOwner.get(id)?.version ?? 0;
  const behind = new Set(Array.from({ length: hostCount }, (_, other) => other));
  behind.delete(index);
  return { owner: id, version, atMs, behind };
}

/** True when this host has just learned of it. */
function hasLearned({ owner, version, behind }: Change, { agent, index }: Host): boolean {
  if (!behind.has(index)) return false;
  const known = agent?.core.inventories.byOwner.get(owner)?.version ?? 0;
  return known >= version && behind.delete(index);
}

/** A stack of one component that runs once on every host. */
export function onePerHost(): StackSpec {
  return {
    name: 'site',
    components: [
      {
        name: 'web',
        mode: 'global',
        replicas: 1,
        process: { command: ['serve'] },
        environment: {},
        ports: [],
        volumes: [],
        restart: { kind: 'always' },
        dependsOn: [],
        stopGraceMs: millis(1000),
      },
    ],
  };
}
