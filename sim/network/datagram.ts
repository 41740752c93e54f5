/** The transport as datagrams: each on its own, lost, late, doubled, overtaken. Harsher than any stream. */
import { happens } from '../choice.ts';
import { schedule } from '../event-queue.ts';
import type { HostIndex } from '../strike.ts';
import { countIn, countOut, type Medium, type Parcel } from './medium.ts';
import { clogOf, delayOf, isLost, wayOf, type WayState } from './ways.ts';

export function sendDatagram(medium: Medium, from: HostIndex, to: HostIndex, parcel: Parcel): void {
  const { queue, ways } = medium;
  const { kind, bytes } = parcel;
  const way = wayOf(ways, from, to);
  countOut(medium, from, bytes);
  if (way.cuts > 0 || isLost(ways, way, kind)) return;
  const arrive = (): void => {
    if (medium.condition(to) === 'sleeps') return;
    countIn(medium, to, bytes);
    parcel.arrive();
  };
  const clog = clogOf(way, kind);
  if (clog !== undefined) return void clog.held.push(arrive);
  schedule(queue, queue.now + delayOf(ways, way, kind), arrive);
  if (isDoubled(medium, way, parcel)) schedule(queue, queue.now + delayOf(ways, way, kind), arrive);
}

/** A user's question is sent once on a stream: only who asks again asks twice. */
const isDoubled = ({ options }: Medium, way: WayState, { kind }: Parcel): boolean =>
  options.duplicatePermille > 0 &&
  !way.calm &&
  kind !== 'deploy' &&
  happens(way.twice, options.duplicatePermille);
