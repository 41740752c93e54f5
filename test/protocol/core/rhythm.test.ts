/** What a step leaves alone while nothing changes makes no difference to anyone. */
import { expect, it } from 'vitest';
import {
  type Cluster,
  crash,
  deploy,
  grown,
  hostOf,
  lose,
  run,
  running,
  stack,
  start,
} from './cluster.ts';

/**
 * Everything sent and when, and everything noticed, but not the order within a millisecond. `eager`:
 * with every machine looked at in every step.
 */
function told(story: (cluster: Cluster) => void, eager: boolean): readonly string[] {
  const cluster = grown('abcde');
  cluster.eager = eager;
  cluster.lost = (from, to, message) => {
    cluster.lines.push(`${cluster.now} ${from} to ${to}: ${JSON.stringify(message)}`);
    return false;
  };
  story(cluster);
  return [...cluster.lines, ...running(cluster)].sort();
}

const STORIES: readonly (readonly [string, (cluster: Cluster) => void])[] = [
  ['nothing happens', (cluster) => run(cluster, 20_000)],
  [
    'a stack is deployed',
    (cluster) => {
      deploy(cluster, 'b', 'd1', stack('shop', 'web:3 db'));
      run(cluster, 20_000);
    },
  ],
  [
    'a host is lost',
    (cluster) => {
      deploy(cluster, 'b', 'd1', stack('shop', 'web:5'));
      run(cluster, 5000);
      lose(cluster, 'c');
      run(cluster, 20_000);
    },
  ],
  [
    'an agent crashes, and starts again',
    (cluster) => {
      deploy(cluster, 'b', 'd1', stack('shop', 'web:5'));
      run(cluster, 4850); // the probe is repeated before the next beat is due
      crash(cluster, 'a');
      run(cluster, 5000);
      start(cluster, 'a');
      run(cluster, 15_000);
    },
  ],
  [
    'an agent stands still for a while',
    (cluster) => {
      deploy(cluster, 'b', 'd1', stack('shop', 'web:5'));
      run(cluster, 5000);
      hostOf(cluster, 'a').stoppedUntil = cluster.now + 4000;
      run(cluster, 20_000);
    },
  ],
];

it.each(STORIES)('%s', (_name, story) => {
  const lines = told(story, false);
  expect(lines.length).toBeGreaterThan(1000);
  expect(lines).toEqual(told(story, true));
});
