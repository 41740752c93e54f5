/** Makes the world around the deeds smaller: milder options, fewer hosts, fewer voters, a shorter storm. */
import type { Draws } from '../choice.ts';
import { type Options, quiet } from '../options.ts';
import type { HostIndex, Strike, Way } from '../strike.ts';
import type { Deed, Tape } from '../tape.ts';

/** These are made smaller by other means. */
const LEFT_ALONE: ReadonlySet<string> = new Set<keyof Options>([
  'seed',
  'hostCount',
  'voterCount',
  'stormMs',
]);

/** Options that are not as in a quiet world. */
export function loudOptions({ options }: Tape): readonly string[] {
  const calm = quietOf(options);
  return [...new Set([...Object.keys(options), ...Object.keys(calm)])].filter(
    (name) => !LEFT_ALONE.has(name) && shown(options, name) !== shown(calm, name),
  );
}

/** With these options as in a quiet world. */
export const quieter = (tape: Tape, names: readonly string[]): Tape => ({
  ...tape,
  options: mixed(tape.options, quietOf(tape.options), names),
});

const quietOf = ({ seed, hostCount, stormMs }: Options): Options => quiet(seed, hostCount, stormMs);
const valueOf = (options: Options, name: string): unknown => options[name as keyof Options];
const shown = (options: Options, name: string): string | undefined =>
  JSON.stringify(valueOf(options, name));

/** `options` with these as in `calm`; an option that `calm` does not have is left out. */
function mixed(options: Options, calm: Options, names: readonly string[]): Options {
  const entries = Object.entries({ ...options, ...calm }).flatMap(([name]) => {
    const source = names.includes(name) ? calm : options;
    return Object.hasOwn(source, name) ? [[name, valueOf(source, name)] as const] : [];
  });
  return Object.fromEntries(entries) as Options;
}

const RATHER: readonly Options['voterCount'][] = [3, 1, 5];

/** Other numbers of voters, if simpler: three that stand from the beginning are the simplest. */
export function fewerVoters(tape: Tape): readonly Tape[] {
  const { options } = tape;
  return RATHER.slice(0, RATHER.indexOf(options.voterCount))
    .filter((voterCount) => voterCount <= options.hostCount)
    .map((voterCount) => ({ ...tape, options: { ...options, voterCount } }));
}

/** A world without this host: those behind it move up, with all that was said of them. */
export function withoutHost(tape: Tape, gone: HostIndex): Tape {
  const { options } = tape;
  const hostCount = options.hostCount - 1;
  const voterCount = RATHER.find((count) => count <= Math.min(hostCount, options.voterCount));
  return {
    ...tape,
    options: {
      ...options,
      hostCount,
      voterCount: voterCount ?? 1,
      ratesPermille: options.ratesPermille.filter((_, index) => index !== gone),
    },
    deeds: tape.deeds.flatMap((deed) => movedDeed(deed, gone)),
    draws: movedDraws(tape.draws, gone),
  };
}

const moved = (host: HostIndex, gone: HostIndex): HostIndex => (host > gone ? host - 1 : host);

function movedDeed(deed: Deed, gone: HostIndex): readonly Deed[] {
  if (deed.kind === 'command')
    return deed.host === gone ? [] : [{ ...deed, host: moved(deed.host, gone) }];
  const strike = movedStrike(deed.strike, gone);
  return strike === undefined ? [] : [{ ...deed, strike }];
}

function movedStrike(strike: Strike, gone: HostIndex): Strike | undefined {
  if ('host' in strike)
    return strike.host === gone ? undefined : { ...strike, host: moved(strike.host, gone) };
  if (strike.kind === 'reset') {
    const { a, b } = strike;
    return a === gone || b === gone
      ? undefined
      : { ...strike, a: moved(a, gone), b: moved(b, gone) };
  }
  const ways = strike.ways
    .filter(([from, to]) => from !== gone && to !== gone)
    .map(([from, to]): Way => [moved(from, gone), moved(to, gone)]);
  return ways.length === 0 ? undefined : { ...strike, ways };
}

/** Choice points are named after their hosts: `h3` counts from one. */
function movedDraws(draws: Draws, gone: HostIndex): Draws {
  const entries = Object.entries(draws).flatMap(([site, numbers]) => {
    const hosts: readonly string[] = site.match(HOST_NAME) ?? [];
    if (hosts.includes(`h${gone + 1}`)) return [];
    const name = site.replaceAll(
      HOST_NAME,
      (host) => `h${moved(Number(host.slice(1)) - 1, gone) + 1}`,
    );
    return [[name, numbers] as const];
  });
  return Object.fromEntries(entries);
}
const HOST_NAME = /\bh\d+\b/g;

/** A storm of this length. */
export const lasting = (tape: Tape, stormMs: number): Tape => ({
  ...tape,
  options: { ...tape.options, stormMs },
});
