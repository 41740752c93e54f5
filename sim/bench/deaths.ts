/** One experiment on the failure detector: which host held which other for dead, and when. */
import type { HostId } from '../../protocol/base/ids.ts';
import { ofMillis } from '../event-queue.ts';
import { type Options, quiet } from '../options.ts';
import { simulate } from '../run.ts';
import type { Strike } from '../strike.ts';

export type Death = { readonly atMs: number; readonly by: HostId; readonly of: HostId };

export type Experiment = {
  readonly hostCount: number;
  readonly seed: number;
  readonly lossPermille?: number;
  readonly suspicionMaxFactor?: number;
  readonly strikes: readonly { readonly atMs: number; readonly strike: Strike }[];
  readonly untilMs: number;
};

export type Course = {
  readonly deaths: readonly Death[];
  readonly messages: number;
  /** Members that each host knows in the end, itself among them. */
  readonly known: readonly number[];
};

/** A cluster that leads nothing but itself. @throws Error if it breaks a rule of the protocol on the way. */
export function observe(experiment: Experiment): Course {
  const { hostCount, seed, strikes, untilMs, lossPermille = 0 } = experiment;
  const { suspicionMaxFactor } = experiment;
  const options: Options = {
    ...quiet(seed, hostCount, untilMs),
    voterCount: hostCount >= 5 ? 5 : 3,
    gossip: 'mesh',
    lossPermille,
    ...(suspicionMaxFactor === undefined ? {} : { suspicionMaxFactor }),
    workload: { kind: 'given', stacks: [] },
  };
  const deaths: Death[] = [];
  let known: readonly number[] = [];
  const { verdict, figures } = simulate(options, {
    timeline: strikes.map(({ atMs, strike }) => ({ at: ofMillis(atMs), kind: 'strike', strike })),
    untilMs,
    narrate(atMs, { id }, _input, effects) {
      for (const effect of effects)
        if (effect.kind === 'journal' && effect.topic === 'health')
          for (const of of effect.text.startsWith('dead:') ? effect.about : [])
            deaths.push({ atMs, by: id, of: of as HostId });
    },
    look({ world }) {
      known = world.hosts.map(({ agent }) => 1 + (agent?.core.membership.members.size ?? 0));
      return undefined;
    },
  });
  if (verdict.kind === 'unsafe') throw new Error(`${verdict.rule}: ${verdict.text}`);
  return { deaths, messages: figures.messages, known };
}
