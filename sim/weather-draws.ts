/** What is the same to draw for every kind of storm: its length, its network, its clocks, how often users ask. */
import { LAN } from '../protocol/config.ts';
import type { Message } from '../protocol/wire/message.ts';
import { happens, pick, type Stream, within } from './choice.ts';
import type { Options } from './options.ts';

const T = LAN.termMs;
/** Losing only one of these has found what losing all alike did not. */
const SINGLED_OUT = [
  'release',
  'keepaliveAck',
  'prepareAck',
  'accept',
  'acceptAck',
  'writeAck',
  'readAck',
  'push',
  'syncPage',
  'rosterAccepted',
] as const satisfies readonly Message['kind'][];

export const drawLength = (draw: Stream): number => within(draw, 30, 90) * 1000;

export const drawWorkload = (draw: Stream): Options['workload'] => ({
  kind: 'random',
  everyMs: pick(draw, [400, 1500, 4000]),
  stackCount: pick(draw, [1, 1, 2, 3]),
});

type Weather = Pick<
  Options,
  'delayMeanMs' | 'lossPermille' | 'lossOnly' | 'duplicatePermille' | 'tailPermille' | 'tailMs'
>;

export function drawWeather(draw: Stream, transport: Options['transport']): Weather {
  // In a stream everything waits for what is lost or late: beyond this it stands still.
  const isStream = transport === 'stream';
  const losses = isStream ? [10, 30, 100] : [20, 50, 100, 200, 300, 500];
  const tails = isStream ? [2, 5, 10] : [5, 20, 50, 200];
  return {
    delayMeanMs: pick(draw, [1, 1, 3, 10, 40]),
    lossPermille: happens(draw, 500) ? pick(draw, losses) : 0,
    ...(happens(draw, 250) ? { lossOnly: pick(draw, SINGLED_OUT) } : {}),
    duplicatePermille: happens(draw, 500) ? pick(draw, [20, 200, 500]) : 0,
    tailPermille: happens(draw, 500) ? pick(draw, tails) : 0,
    tailMs: pick(draw, [T / 2, T, 2 * T, 6 * T]),
  };
}

/** Extremes, not a spread: what two clocks can do to each other they do at the ends. */
export function drawRates(draw: Stream, hostCount: number): readonly number[] {
  const rho = LAN.rateErrorPermille;
  if (!happens(draw, 667)) return [];
  return Array.from({ length: hostCount }, () => pick(draw, [0, -rho, rho]));
}
