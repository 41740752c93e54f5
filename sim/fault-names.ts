/** What a seed has in store, in words. */
import type { Options } from './options.ts';

/** Fault classes as words, for summaries. */
export function faultsOf(options: Options): readonly string[] {
  const present: readonly (readonly [string, boolean])[] = [
    ['loss', options.lossPermille > 0],
    ['duplicates', options.duplicatePermille > 0],
    ['late', options.tailPermille > 0],
    ['one kind only', options.lossOnly !== undefined],
    ['clock rates', options.ratesPermille.some((rate) => rate !== 0)],
    ['short lives', options.lifeMs !== undefined],
    ['slow fsync', options.fsyncMs > 100],
    ['leaders sought', options.seeksLeaders],
    ['ambushes', options.ambush !== undefined],
    ['growth', options.growth !== undefined],
    ['witness', options.witness === true],
    ['voters replaced', options.turnover !== undefined],
    ['sessions in turn', options.bias !== undefined],
    ['streams', options.transport === 'stream'],
    ['mesh', options.gossip === 'mesh'],
    ['mdns', options.discovery === 'mdns'],
    ['frozen faults', options.calm === 'core'],
    ...Object.keys(options.recurring).map((kind) => [kind, true] as const),
  ];
  return present.filter(([, is]) => is).map(([name]) => name);
}
