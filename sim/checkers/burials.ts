/**
 * S21 When the list of members names a destroyed stack no longer, nobody has anything of it from before:
 *     neither in memory nor on disk. And nobody ever keeps anything of it again that is older than what
 *     was buried (R8).
 */
import type { Key } from '../../protocol/base/ids.ts';
import type { DiskWrite } from '../../protocol/effect.ts';
import { type Burials, burialsIn, isBuried, NO_BURIALS } from '../../protocol/record/burial.ts';
import {
  type Burial,
  type Committed,
  compareRevision,
  type Revision,
} from '../../protocol/record/record.ts';
import type { Register } from '../../protocol/record/register.ts';
import type { Host } from '../host.ts';
import type { Report } from './report.ts';

export type BurialChecker = {
  readonly report: Report;
  readonly hosts: Set<Host>;
  /** Of the newest list of members that reached a disk. */
  newest: Revision | undefined;
  listed: Burials;
  /** Those that were named once and are no more. */
  readonly ended: Map<string, Burial>;
};

export const createBurialChecker = (report: Report): BurialChecker => ({
  report,
  hosts: new Set(),
  newest: undefined,
  listed: NO_BURIALS,
  ended: new Map(),
});

/** Writes have become durable. */
export function checkBurials(
  checker: BurialChecker,
  host: Host,
  writes: readonly DiskWrite[],
): void {
  const { report, hosts, ended } = checker;
  hosts.add(host);
  for (const { name, value } of writes) {
    if (!name.startsWith('committed/') || value === undefined) continue;
    const record = value as Committed;
    if (isBuried(ended, record.key, record))
      report('S21', `${host.id} keeps ${record.key} again, which was buried and forgotten`);
    if (record.value.kind === 'members') followList(checker, record);
  }
}

function followList(checker: BurialChecker, { revision, value }: Committed): void {
  const { newest, listed, ended, hosts } = checker;
  if (newest !== undefined && compareRevision(revision, newest) <= 0) return;
  checker.newest = revision;
  const isMember = new Set(value.kind === 'members' ? value.members.map(({ id }) => id) : []);
  checker.listed = burialsIn(value);
  for (const [stack, burial] of listed)
    if (checker.listed.get(stack)?.life !== burial.life) {
      ended.set(stack, burial);
      for (const host of hosts)
        if (isMember.has(host.id)) checkGone(checker, host, new Map([[stack, burial]]));
    }
}

function checkGone({ report }: BurialChecker, { id, agent, disk }: Host, over: Burials): void {
  const still = (where: string, key: Key): void =>
    report('S21', `${id} has ${key} ${where} when its burial is over`);
  for (const [key, record] of agent?.core.committed.byKey ?? [])
    if (isBuried(over, key, record)) still('in memory', key);
  for (const [name, value] of disk.durable) {
    const [kind = ''] = name.split('/');
    if (kind !== 'committed' && kind !== 'record') continue;
    const key = name.slice(kind.length + 1) as Key;
    if (isBuried(over, key, value as Register)) still('on disk', key);
  }
}
