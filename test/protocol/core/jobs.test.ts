/** Jobs, as users would see them of a whole cluster. */
import { expect, it } from 'vitest';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { viewOf } from '../../../protocol/view/build.ts';
import { instant } from '../../../protocol/base/time.ts';
import {
  type Cluster,
  coreOf,
  crash,
  deploy,
  destroy,
  give,
  grown,
  hostOf,
  lose,
  run,
  running,
  soon,
  stack,
  start,
} from './cluster.ts';

const JOB: Partial<ComponentSpec> = { job: {}, restart: { kind: 'onFailure', retryMax: 1 } };

/** The one attempt that runs ends; returns where. */
function finish(cluster: Cluster, exitCode: number): string {
  const [where = ''] = running(cluster);
  const host = hostOf(cluster, where.charAt(0));
  for (const [engineId, instance] of host.instances) {
    if (instance.state !== 'running') continue;
    host.instances.set(engineId, { ...instance, state: 'exited', exitCode });
    give(cluster, host, { kind: 'instanceExited', engineId, exitCode, oomKilled: false });
  }
  return host.id;
}

function begun(changes: Partial<ComponentSpec> = {}): Cluster {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'one', stack('etl', 'load', { ...JOB, ...changes }));
  soon(cluster, 3000, () => running(cluster).length === 1);
  return cluster;
}

const others = (name: string): readonly string[] => ['a', 'b', 'c'].filter((each) => each !== name);
const states = (cluster: Cluster, name: string): readonly (string | undefined)[] =>
  viewOf(coreOf(cluster, name), instant(cluster.now)).stacks.flatMap(({ components }) =>
    components.flatMap(({ slots }) => slots.map(({ instance }) => instance?.state)),
  );
const starts = (cluster: Cluster): number =>
  cluster.lines.filter((line) => line.includes(' starts etl.load.')).length;

it('a job that is complete is not run again when its host is lost (J1)', () => {
  const cluster = begun();
  const host = finish(cluster, 0);
  run(cluster, 1000);
  lose(cluster, host);
  run(cluster, 20_000);
  const [other = ''] = others(host);
  expect([starts(cluster), states(cluster, other)]).toEqual([1, ['complete']]);
});

it('nor when every agent starts anew', () => {
  const cluster = begun();
  finish(cluster, 0);
  run(cluster, 1000);
  for (const name of 'abc') crash(cluster, name);
  for (const name of 'abc') start(cluster, name);
  run(cluster, 40_000);
  expect([starts(cluster), states(cluster, 'b')]).toEqual([1, ['complete']]);
});

it('nor when the same is deployed again, but when it was destroyed in between', () => {
  const cluster = begun();
  finish(cluster, 0);
  run(cluster, 1000);
  deploy(cluster, 'b', 'two', stack('etl', 'load', JOB));
  run(cluster, 5000);
  expect(starts(cluster)).toBe(1);
  destroy(cluster, 'b', 'three', 'etl');
  deploy(cluster, 'b', 'four', stack('etl', 'load', JOB));
  run(cluster, 5000);
  expect(starts(cluster)).toBe(2);
});

it('another spec is run anew', () => {
  const cluster = begun();
  finish(cluster, 0);
  run(cluster, 1000);
  deploy(cluster, 'b', 'two', stack('etl', 'load', { ...JOB, environment: { DAY: '2' } }));
  soon(cluster, 3000, () => running(cluster).length === 1);
  expect(starts(cluster)).toBe(2);
});

it('what fails is tried again, elsewhere if its host is lost, until nothing is left (J5)', () => {
  const cluster = begun();
  lose(cluster, (running(cluster)[0] ?? '').charAt(0));
  soon(cluster, 20_000, () => running(cluster).length === 1);
  const host = finish(cluster, 1);
  soon(cluster, 5000, () => running(cluster).length === 1);
  finish(cluster, 1);
  run(cluster, 90_000);
  expect([starts(cluster), states(cluster, host)]).toEqual([3, ['failed']]);
});

it('what is to be tried once has failed with its host (J4)', () => {
  const cluster = begun({ restart: { kind: 'no' } });
  const host = (running(cluster)[0] ?? '').charAt(0);
  run(cluster, 1000);
  lose(cluster, host);
  run(cluster, 20_000);
  const [other = ''] = others(host);
  expect([starts(cluster), states(cluster, other)]).toEqual([1, ['failed']]);
});

it('the last word of a host counts, though its slot was not concluded then (J2)', () => {
  const cluster = begun({ replicas: 1 });
  const host = (running(cluster)[0] ?? '').charAt(0);
  const [other = ''] = others(host);
  // Its report arrives, but nothing can be committed: the other voter is away.
  const third = others(host)[1] ?? '';
  lose(cluster, third);
  run(cluster, 100);
  finish(cluster, 0);
  run(cluster, 400);
  lose(cluster, host);
  start(cluster, third);
  run(cluster, 30_000);
  expect([starts(cluster), states(cluster, other)]).toEqual([1, ['complete']]);
});

it('what depends on a job waits for all of it', () => {
  const cluster = grown('abc');
  const jobs = stack('etl', 'load:2', JOB).components;
  const dependsOn = [
    { on: 'load', condition: 'completed', required: true, restart: false },
  ] as const;
  const web = stack('etl', 'web', { dependsOn }).components;
  deploy(cluster, 'a', 'one', { name: 'etl', components: [...jobs, ...web] });
  soon(cluster, 3000, () => running(cluster).length === 2);
  const first = finish(cluster, 0);
  run(cluster, 3000);
  expect(running(cluster).some((line) => line.includes('etl.web'))).toBe(false);
  lose(cluster, first);
  run(cluster, 10_000);
  finish(cluster, 0);
  soon(cluster, 5000, () => running(cluster).some((line) => line.includes('etl.web')));
});
