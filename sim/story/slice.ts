/** The causes of a violation: from its hosts' last steps back along the messages that led there. */
import type { FullCourse, Step } from './full-course.ts';
import { concerns, type Subject } from './subject.ts';

/** The steps that could have had a part in it, as far as they concern the subject. */
export function causesOf({ steps, breaking }: FullCourse, subject: Subject): ReadonlySet<Step> {
  const places = new Map(steps.map((step, place) => [step, place]));
  const last = steps.length - 1;
  /** Up to which of its steps each host counts. */
  const until = new Map<string, number>([...subject.hosts].map((host) => [host, last]));
  const ended = breaking ?? steps.at(-1);
  if (ended !== undefined) until.set(ended.host, places.get(ended) ?? last);
  const causes = new Set<Step>();
  for (let place = last; place >= 0; place--) {
    const step = steps[place];
    if (step === undefined || place > (until.get(step.host) ?? -1)) continue;
    if (step !== ended && !touches(step, subject)) continue;
    causes.add(step);
    if (step.cause === undefined || !concerns(subject, step.cause.message)) continue;
    const { from, step: said } = step.cause;
    until.set(from, Math.max(until.get(from) ?? -1, places.get(said) ?? -1));
  }
  return causes;
}

const touches = ({ cause, sent, effects }: Step, subject: Subject): boolean =>
  (cause !== undefined && concerns(subject, cause.message)) ||
  sent.some(({ message }) => concerns(subject, message)) ||
  effects.some((effect) => effect.kind === 'leaseChanged' && subject.keys.has(effect.key));
