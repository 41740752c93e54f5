/** What hosts asked and told each other about the subject: with what came of it, in one line each. */
import type { HostId } from '../../protocol/base/ids.ts';
import type { FullCourse, Sent, Step } from './full-course.ts';
import { clock, LATE_US, type Line, WEIGHT } from './line.ts';
import { concerns, isDecisive, isVain, type Subject } from './subject.ts';
import { answered, answers, type Keys, said } from './words.ts';

export const keysOf =
  ({ keys, hosts }: Subject): Keys =>
  (name) =>
    keys.has(name) || hosts.has(name);

/** In one step; to several in one line. `causes`: the steps that led to the violation. */
export function speech(
  step: Step,
  { endedAt }: FullCourse,
  subject: Subject,
  causes: ReadonlySet<Step>,
): readonly Line[] {
  const keys = keysOf(subject);
  const told = step.sent
    .filter((sent) => concerns(subject, sent.message) && !isAnswer(sent))
    .toSorted((a, b) => Number((a.to ?? '') > (b.to ?? '')) - Number((a.to ?? '') < (b.to ?? '')));
  const groups = Map.groupBy(told, ({ message }) => said(message, keys));
  return [...groups].flatMap(([words, group]): readonly Line[] => {
    const [first] = group;
    const at = first?.leftAt;
    if (first === undefined || at === undefined) return [];
    const to = group.map((sent) => sent.to ?? 'everyone').join(', ');
    const whoever = oneByOne(group, subject);
    const isHeard = group.some(({ arrivals }) => arrivals.some((arrival) => causes.has(arrival)));
    const weight = weightOf(subject, first, isHeard);
    const text = `${step.host} ${words.replace('…', to)}${outcomesOf(whoever, at, endedAt, keys)}`;
    return [{ at, weight, text }];
  });
}

/** What was gossiped as if it had been sent to each of those that the verdict names. */
function oneByOne(group: readonly Sent[], { hosts }: Subject): readonly Sent[] {
  const told = new Set(group.map(({ to }) => to));
  return group.flatMap((sent) => {
    if (sent.to !== undefined) return [sent];
    const others = ([...hosts] as HostId[]).filter((to) => to !== sent.from && !told.has(to));
    return others.map((to) => {
      const arrivals = sent.arrivals.filter(({ host }) => host === to);
      return { ...sent, to, arrivals };
    });
  });
}

function weightOf(subject: Subject, { message }: Sent, isHeard: boolean): Line['weight'] {
  if (isDecisive(subject, message)) return WEIGHT.decisive;
  if (ROUTINE.has(message.kind)) return WEIGHT.aside;
  return isHeard && !isVain(subject, message) ? WEIGHT.causal : WEIGHT.aside;
}

/** Everybody says so all the time. */
const ROUTINE: ReadonlySet<Sent['message']['kind']> = new Set(['heartbeat', 'pull']);

/** Told in the line of its question. */
export const isAnswer = ({ to, message, step: { cause } }: Sent): boolean =>
  cause !== undefined && cause.from === to && answers(message, cause.message);

function outcomesOf(group: readonly Sent[], leftAt: number, endedAt: number, keys: Keys): string {
  const unheard = leftAt + LATE_US > endedAt ? 'has not heard it yet' : 'never hears it';
  if (group.length > 1 && group.every(({ arrivals }) => arrivals.length === 0))
    return `: nobody ${unheard.replace('has not', 'has').replace('never ', '')}`;
  const outcomes = group.map((sent) =>
    sent.arrivals.length === 0 ? `${sent.to} ${unheard}` : outcomeOf(sent, leftAt, keys),
  );
  const known = outcomes.filter((text) => text !== '');
  return known.length === 0 ? '' : `: ${known.join('; ')}`;
}

/** What the one who heard it does about it; a copy counts where it comes later. */
function outcomeOf(sent: Sent, leftAt: number, keys: Keys): string {
  const { to, arrivals } = sent;
  const heard = arrivals.flatMap((arrival, nth): readonly string[] => {
    const isLate = arrival.at - leftAt > LATE_US;
    const answer = arrival.sent.find(
      (one) => one.to === sent.from && answers(one.message, sent.message),
    );
    if (!isLate && (nth > 0 || answer === undefined)) return [];
    const when = isLate ? ` (${nth > 0 ? 'a copy ' : ''}at ${clock(arrival.at)})` : '';
    if (answer === undefined) return [`${to} hears it${when}`];
    return [`${to} ${answered(answer.message, keys)}${when}${fate(answer)}`];
  });
  return heard.join(', ');
}

/** Of an answer. */
function fate({ leftAt, arrivals, step }: Sent): string {
  if (leftAt === undefined) return ', not said yet';
  const [heard] = arrivals;
  if (heard === undefined) return ', unheard';
  return heard.at - step.at > LATE_US ? `, heard at ${clock(heard.at)}` : '';
}

/** Why voters are bound: the last keepalives that they granted to the hosts that the verdict names. */
export function lastKeepalives(
  { steps, endedAt }: FullCourse,
  { isLease, hosts }: Subject,
): readonly Line[] {
  if (!isLease) return [];
  return [...hosts].flatMap((host) => {
    const sent = steps
      .filter((step) => step.host === host)
      .flatMap((step) => step.sent)
      .filter(isGranted);
    const lasts = [...Map.groupBy(sent, ({ to }) => to).values()].flatMap((all) => all.slice(-1));
    return [...Map.groupBy(lasts, ({ leftAt }) => leftAt ?? 0)].map(([at, group]): Line => {
      const voters = group.map(({ to }) => to).join(', ');
      const text = `${host} asks ${voters} for the last time to keep its session`;
      const outcomes = outcomesOf(group, at, endedAt, () => false);
      return { at, weight: WEIGHT.decisive, text: `${text}${outcomes}` };
    });
  });
}

const isGranted = ({ message, arrivals }: Sent): boolean =>
  message.kind === 'keepalive' &&
  arrivals.some(({ sent }) =>
    sent.some((answer) => answer.message.kind === 'keepaliveAck' && answer.message.fresh),
  );
