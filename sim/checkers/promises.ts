/**
 * S5 What a voter has promised it keeps, across restarts: per key the ballots and terms it has said
 *    yes to never fall. A new life starts from its disk, so what is on the disk never falls either.
 */
import type { Key } from '../../protocol/base/ids.ts';
import type { DiskWrite } from '../../protocol/effect.ts';
import { isBuried, NO_BURIALS } from '../../protocol/record/burial.ts';
import { compareRevision, showRevision } from '../../protocol/record/record.ts';
import type { Committed } from '../../protocol/record/record.ts';
import type { Register } from '../../protocol/record/register.ts';
import type { Roster } from '../../protocol/roster/roster.ts';
import type { Host, Outward } from '../host.ts';
import type { Report } from './report.ts';

export type PromiseChecker = {
  readonly report: Report;
  /** Highest ballot of leases and term of records said yes to, by voter and key. */
  readonly ballots: Map<string, number>;
  readonly terms: Map<string, number>;
  readonly disks: Map<string, unknown>;
};

export const createPromiseChecker = (report: Report): PromiseChecker => ({
  report,
  ballots: new Map(),
  terms: new Map(),
  disks: new Map(),
});

/** A message leaves: from here on others count on it. */
export function checkPromise(checker: PromiseChecker, host: Host, effect: Outward): void {
  if (effect.kind !== 'send') return;
  const { message } = effect;
  const { kind } = message;
  const yes = { host, effect };
  if (kind === 'prepareAck') {
    for (const { key, ballot, status } of message.items)
      if (status !== 'nack') rise(checker, checker.ballots, yes, key, ballot);
  } else if (kind === 'acceptAck') {
    for (const { key, ballot, ok } of message.items)
      if (ok) rise(checker, checker.ballots, yes, key, ballot);
  } else if (kind === 'readAck') {
    if (message.ok) rise(checker, checker.terms, yes, message.key, message.term);
  } else if (kind === 'writeAck') {
    const { key, revision, outcome } = message;
    if (outcome === 'stored') rise(checker, checker.terms, yes, key, revision.term);
  }
}

type Yes = {
  readonly host: Host;
  readonly effect: Extract<Outward, { readonly kind: 'send' }>;
};

function rise(
  { report }: PromiseChecker,
  table: Map<string, number>,
  { host, effect: { message, to } }: Yes,
  key: Key,
  n: number,
): void {
  const place = `${host.id} ${key}`;
  const known = table.get(place) ?? 0;
  if (n < known)
    report(
      'S5',
      `${host.id} says yes to ${n} for ${key} (${message.kind} to ${to}), after ${known}`,
    );
  else table.set(place, n);
}

/** A write has become durable. */
export function checkDisk(checker: PromiseChecker, host: Host, writes: readonly DiskWrite[]): void {
  for (const { name, value } of writes) {
    const place = `${host.id} ${name}`;
    const known = checker.disks.get(place);
    if (value === undefined) checker.disks.delete(place);
    else checker.disks.set(place, value);
    if (value === undefined || known === undefined) continue;
    const fallen = fall(name, isForgotten(host, name, known) ? unwritten(known) : known, value);
    if (fallen !== undefined) checker.report('S5', `${name} on the disk of ${host.id}: ${fallen}`);
  }
}

/** Its stack was buried: what the voter has promised since is all that stays (R8). */
function isForgotten({ agent }: Host, name: string, known: unknown): boolean {
  if (!name.startsWith('record/')) return false;
  const burials = agent?.core.committed.burials ?? NO_BURIALS;
  return isBuried(burials, name.slice('record/'.length) as Key, known as Register);
}

const unwritten = (known: unknown): Register => ({
  promised: (known as Register).promised,
  deployIds: [],
});

function fall(name: string, was: unknown, is: unknown): string | undefined {
  const less = (what: string, a: number, b: number): string | undefined =>
    b < a ? `${what} falls from ${a} to ${b}` : undefined;
  if (name === 'host') {
    const [a, b] = [was, is] as { boot: number; ceiling: number; maxTermMs: number }[];
    if (a === undefined || b === undefined) return undefined;
    return (
      less('boot', a.boot, b.boot) ??
      less('ceiling', a.ceiling, b.ceiling) ??
      less('maxTermMs', a.maxTermMs, b.maxTermMs)
    );
  }
  if (name === 'roster') return less('epoch', (was as Roster).epoch, (is as Roster).epoch);
  if (name.startsWith('record/')) {
    const [a, b] = [was as Register, is as Register];
    return less('promise', a.promised, b.promised) ?? older(a.revision, b.revision);
  }
  if (name.startsWith('committed/'))
    return older((was as Committed).revision, (is as Committed).revision);
  return undefined;
}

function older(a: Register['revision'], b: Register['revision']): string | undefined {
  if (a === undefined) return undefined;
  if (b === undefined) return 'revision is forgotten';
  if (compareRevision(b, a) >= 0) return undefined;
  return `revision falls from ${showRevision(a)} to ${showRevision(b)}`;
}
