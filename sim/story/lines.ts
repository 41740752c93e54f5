/** Everything in a run that has to do with its verdict. */
import type { Effect } from '../../protocol/effect.ts';
import { hostName } from './deed-words.ts';
import { deedLines } from './deeds.ts';
import type { FullCourse, Step } from './full-course.ts';
import { GIVEN, lastInput } from './last-input.ts';
import { type Line, WEIGHT } from './line.ts';
import { newSessions, writtenVotes } from './silent-changes.ts';
import { causesOf } from './slice.ts';
import { lastKeepalives, speech } from './speech.ts';
import type { Subject } from './subject.ts';

export function linesOf(course: FullCourse, subject: Subject): readonly Line[] {
  const causes = causesOf(course, subject);
  return [
    ...lastInput(course, subject),
    ...deedLines(course, subject),
    ...calmLine(course),
    ...course.steps.flatMap((step) => [
      ...arrival(step, subject),
      ...speech(step, course, subject, causes),
      ...step.effects.flatMap((effect) => effectLine(step, effect, subject)),
    ]),
    ...lastKeepalives(course, subject),
    ...newSessions(course, subject),
    ...writtenVotes(course, subject),
  ];
}

function calmLine({ calm }: FullCourse): readonly Line[] {
  if (calm === undefined) return [];
  const text = `the faults end for ${calm.core.map(hostName).join(' ')}`;
  return [{ at: calm.at, weight: WEIGHT.deed, text }];
}

/** Agents that start with the world are not worth a word. */
const FIRST_US = 100_000;

/** What came to the host from its own machine. */
function arrival(
  { at, host, input }: Step,
  { components, hosts, isNews }: Subject,
): readonly Line[] {
  const weight = WEIGHT.causal;
  if (input.kind === 'started')
    return at < FIRST_US ? [] : [{ at, weight, text: `the agent of ${host} starts` }];
  if (input.kind === 'connectProbed')
    return isNews && hosts.has(input.host)
      ? [{ at, weight, text: `${host} ${GIVEN.connectProbed(input)}` }]
      : [];
  if (input.kind === 'instanceStarted') {
    const { component, slot, engineId } = input.instance;
    if (!components.has(component)) return [];
    return [{ at, weight, text: `${component}.${slot} runs on ${host} as ${engineId}` }];
  }
  if (input.kind !== 'instanceRefused' || !components.has(input.component)) return [];
  const { component, slot, reason } = input;
  return [{ at, weight, text: `${host} cannot start ${component}.${slot}: ${reason}` }];
}

/** What the host did, other than speaking to another. */
function effectLine({ at, host }: Step, effect: Effect, subject: Subject): readonly Line[] {
  const { keys, components, deployIds } = subject;
  const line = (weight: Line['weight'], text: string): readonly Line[] => [{ at, weight, text }];
  if (effect.kind === 'leaseChanged' && keys.has(effect.key)) {
    if (effect.event === 'renewed') return [];
    const does = effect.event === 'won' ? 'leads' : 'no longer leads';
    return line(WEIGHT.decisive, `${host} ${does} ${effect.key} under term ${effect.term}`);
  }
  if (effect.kind === 'startInstance' && components.has(effect.component)) {
    const { component, slot, term } = effect;
    return line(WEIGHT.decisive, `${host} starts ${component}.${slot} under term ${term}`);
  }
  if (effect.kind === 'reply' && deployIds.has(effect.commandId.split('/')[0] ?? ''))
    return line(WEIGHT.causal, `${host} answers ${effect.commandId}: ${effect.result.kind}`);
  // What it writes of its leases is in the lines above.
  if (effect.kind === 'journal' && effect.topic !== 'lease' && !subject.isLease) {
    const { about, text } = effect;
    const words = `${host} notes of ${about[0]}: ${text}`;
    if (subject.isNews && about.some((name) => subject.hosts.has(name)))
      return line(WEIGHT.causal, words);
    const isAbout = (name: string): boolean => keys.has(name) || components.has(name);
    return about.some(isAbout) ? line(WEIGHT.aside, words) : [];
  }
  return [];
}
