/**
 * Who listens to whose beats: the first `count` of all other believed members in the rendezvous order
 * of the subject. Whoever believes in the same members computes the same, and the loss of a host
 * moves only the seats it had.
 */
import type { HostId } from '../base/ids.ts';
import { compareText, hash, rendezvous } from '../base/order.ts';

/** The watchers of `subject` among `candidates`, best first. `subject` itself does not count. */
export function watchersOf(
  subject: HostId,
  candidates: readonly HostId[],
  count: number,
): readonly HostId[] {
  const others = candidates.filter((candidate) => candidate !== subject);
  return rendezvous(subject, others).slice(0, count);
}

/**
 * Whether `watcher` is among `watchersOf(subject, …)`, without sorting: it is not as soon as `count`
 * others rank before it, so asking for all subjects of a large cluster stays cheap.
 */
export function watches(
  watcher: HostId,
  subject: HostId,
  candidates: readonly HostId[],
  count: number,
): boolean {
  if (watcher === subject) return false;
  const own = scoreOf(subject, watcher);
  let listed = false;
  let before = 0;
  for (const candidate of candidates) {
    if (candidate === watcher) listed = true;
    if (candidate === watcher || candidate === subject) continue;
    const score = scoreOf(subject, candidate);
    if (score > own || (score === own && compareText(candidate, watcher) < 0)) before += 1;
    if (before >= count) return false;
  }
  return listed;
}

/** As in `rendezvous`. */
const scoreOf = (subject: HostId, candidate: HostId): number => hash(`${subject}\0${candidate}`);
