/**
 * S11 Readers never go backwards: in memory as on disk, the revision that a host knows of a record only
 *     rises. Whoever is forgotten by its cluster forgets too, all but the list that says so (S20).
 *
 * Beside it, the newest that each host knew before and after its present step, for whoever must judge
 * what it does by it.
 */
import { type Key, ROSTER_KEY } from '../../protocol/base/ids.ts';
import { isBuried } from '../../protocol/record/burial.ts';
import { type Committed, compareRevision, showRevision } from '../../protocol/record/record.ts';
import type { Agent, Host } from '../host.ts';
import type { Report } from './report.ts';

type Reading = { readonly life: Agent; version: number; readonly known: Map<Key, Committed> };

export type ReaderChecker = { readonly report: Report; readonly readings: Map<Host, Reading> };

export const createReaderChecker = (report: Report): ReaderChecker => ({
  report,
  readings: new Map(),
});

const NOTHING: ReadonlyMap<Key, Committed> = new Map();

/** What the host knew after its last step; of a new life, what it has found on its disk. */
export function knownBefore({ readings }: ReaderChecker, host: Host): ReadonlyMap<Key, Committed> {
  const reading = readings.get(host);
  if (reading?.life === host.agent) return reading?.known ?? NOTHING;
  return host.agent?.core.committed.byKey ?? NOTHING;
}

/** After a step. */
export function checkReader(checker: ReaderChecker, host: Host): void {
  const { agent: life } = host;
  if (life === undefined) return;
  const { committed } = life.core;
  let reading = checker.readings.get(host);
  if (reading?.life !== life)
    checker.readings.set(host, (reading = { life, version: -1, known: new Map() }));
  if (reading.version === committed.version) return;
  reading.version = committed.version;
  for (const [key, was] of reading.known) {
    const { revision } = was;
    const is = committed.byKey.get(key);
    if (is === undefined) {
      reading.known.delete(key);
      const isLet = life.core.knowledge?.isDismissed === true && key !== ROSTER_KEY;
      if (!isLet && !isBuried(committed.burials, key, was))
        checker.report('S11', `${host.id} no longer knows ${key}`);
    } else if (compareRevision(is.revision, revision) < 0)
      checker.report(
        'S11',
        `${host.id} goes back from ${key} ${showRevision(revision)} to ${showRevision(is.revision)}`,
      );
  }
  for (const [key, record] of committed.byKey) reading.known.set(key, record);
}
