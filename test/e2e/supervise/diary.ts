/** Instances that write down when they begin, are well, are told to end, and have ended: `shop.web.1 ends`. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RealCluster } from '../agents/cluster.ts';

export type Diary = {
  /** A service of a Compose file that keeps it. */
  readonly service: (more: object) => object;
  /** All lines so far. */
  readonly lines: () => readonly string[];
};

/** `endMs`: how long each takes to end once it is told to. */
export function diaryOf(cluster: RealCluster, { endMs }: { readonly endMs: number }): Diary {
  const file = join(cluster.init.folder, 'diary.txt');
  const well = join(cluster.init.folder, 'well');
  mkdirSync(well);
  const lines = [
    'me=$MILLRACE_COMPONENT.$MILLRACE_SLOT',
    `say() { echo "$me $1" >> ${file}; }`,
    `trap 'rm ${well}/$me; say ends; sleep ${endMs / 1000}; say ended; exit 0' TERM`,
    `say begins; sleep 0.7; touch ${well}/$me; say well`,
    'while :; do sleep 0.1; done',
  ];
  const command = ['sh', '-c', lines.join('\n').replaceAll('$', '$$$$')];
  const check = `test -e ${well}/$$MILLRACE_COMPONENT.$$MILLRACE_SLOT`;
  const healthcheck = { test: check, interval: '200ms', timeout: '2s', start_period: '10s' };
  return {
    service: (more) => ({ command, healthcheck, stop_grace_period: '10s', ...more }),
    lines: () => readFileSync(file, 'utf8').trim().split('\n'),
  };
}
