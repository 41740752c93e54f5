/** What a host keeps or gives up without a word of its own: sessions it grants, votes for itself. */
import type { Grant, RosterBallot } from '../../protocol/wire/message.ts';
import type { Acceptor } from '../../protocol/roster/acceptor.ts';
import type { FullCourse } from './full-course.ts';
import { type Line, WEIGHT } from './line.ts';
import type { Subject } from './subject.ts';
import { showRoster } from './words.ts';

/** Each new session that a voter grants to a host of the verdict: the one before has ended. */
export function newSessions({ steps }: FullCourse, { isLease, hosts }: Subject): readonly Line[] {
  if (!isLease) return [];
  const known = new Map<string, Grant>();
  return steps
    .flatMap(({ sent }) => sent)
    .flatMap(({ message, from, to, step: { at } }): readonly Line[] => {
      if (message.kind !== 'keepaliveAck' || to === undefined || !hosts.has(to)) return [];
      const place = `${from} ${to} ${message.class}`;
      const before = known.get(place);
      const { grant } = message;
      known.set(place, grant);
      if (before === undefined || (before.boot === grant.boot && before.count === grant.count))
        return [];
      const text = `${from} grants ${to} a new session, the one before has ended: what was bound to it is free`;
      return [{ at, weight: WEIGHT.decisive, text }];
    });
}

/** What acceptors of the roster write down, be it for another or for themselves. */
export function writtenVotes({ steps }: FullCourse, { isRoster }: Subject): readonly Line[] {
  if (!isRoster) return [];
  return steps.flatMap(({ at, host, effects }) =>
    effects.flatMap((effect) =>
      (effect.kind === 'persist' ? effect.writes : [])
        .filter(({ name, value }) => name === 'acceptor' && value !== undefined)
        .map(({ value }): Line => {
          const text = `${host} writes down of epoch ${votes(value as Acceptor)}`;
          return { at, weight: WEIGHT.decisive, text };
        }),
    ),
  );
}

function votes({ epoch, promised, accepted }: Acceptor): string {
  const has =
    accepted === undefined
      ? 'nothing'
      : `${showRoster(accepted.roster)} of attempt ${attempt(accepted.ballot)}`;
  return `${epoch}: promised to attempt ${attempt(promised)}, accepted ${has}`;
}

const attempt = ({ n, host }: RosterBallot): string => `${n} of ${host}`;
