/** What the step that broke the rule was given: its last cause, and often the whole point. */
import type { Input } from '../../protocol/input.ts';
import type { FullCourse, Sent, Step } from './full-course.ts';
import { clock, LATE_US, type Line, seconds, WEIGHT } from './line.ts';
import { isAnswer, keysOf } from './speech.ts';
import type { Subject } from './subject.ts';
import { answered, itemsOf, type Keys, said } from './words.ts';

export function lastInput({ breaking, endedAt }: FullCourse, subject: Subject): readonly Line[] {
  if (breaking === undefined) return [];
  const { at } = breaking;
  const waited = endedAt - at > LATE_US ? `; what follows from it leaves at ${clock(endedAt)}` : '';
  return [{ at, weight: WEIGHT.last, text: `${wordsOf(breaking, keysOf(subject))}${waited}` }];
}

function wordsOf({ at, host, input, cause }: Step, keys: Keys): string {
  if (cause === undefined) return `${host} ${GIVEN[input.kind](input as never)}`;
  const { message, from, step } = cause;
  const question = step.cause;
  if (!isAnswer(cause) || question === undefined)
    return `${host} hears that ${spoken(cause, keys)} (${sentAt(cause, at)})`;
  const answer = answered(message, wholeOf(message, keys));
  return `${host} hears the answer of ${from} (${sentAt(cause, at)}): ${spoken(question, keys)}: ${from} ${answer}`;
}

const spoken = ({ message, from, to }: Sent, keys: Keys): string =>
  `${from} ${said(message, wholeOf(message, keys)).replace('…', to ?? 'everyone')}`;

/** A message that speaks of nothing that was asked for is told as it is. */
const wholeOf = (message: Sent['message'], keys: Keys): Keys =>
  itemsOf(message).some(({ key }) => keys(key)) ? keys : () => true;

function sentAt({ leftAt }: Sent, heardAt: number): string {
  const left = leftAt ?? heardAt;
  const late = heardAt - left;
  return `sent at ${clock(left)}${late > LATE_US ? `, ${seconds(late)} late` : ''}`;
}

type Phrases = {
  readonly [K in Input['kind']]: (input: Extract<Input, { readonly kind: K }>) => string;
};

/** What comes to a host from its own machine, or from nobody known. */
export const GIVEN: Phrases = {
  started: () => 'starts',
  woken: () => 'wakes by its timer',
  yielding: () => 'is to end, and ends what is strict first',
  stopping: ({ why }) => `is asked to end: ${why}`,
  messageReceived: ({ from, message }) => `hears ${from}: ${message.kind}`,
  gossipReceived: ({ from, message }) => `hears ${message.kind} through ${from}`,
  peerConnected: ({ host }) => `is connected to ${host}`,
  peerDisconnected: ({ host }) => `has lost its connection to ${host}`,
  connectProbed: ({ host, outcome }) => `tries the port of ${host}: ${PROBED[outcome]}`,
  instancesListed: ({ instances }) => `is told by its engine of ${instances.length} instances`,
  instanceStarted: ({ instance }) =>
    `is told by its engine that ${instance.component}.${instance.slot} runs`,
  instanceRefused: ({ component, slot, reason }) => `cannot start ${component}.${slot}: ${reason}`,
  instanceExited: ({ engineId }) => `is told by its engine that ${engineId} has ended`,
  instanceHealthChanged: ({ engineId, health }) =>
    `is told by its engine that ${engineId} is ${health}`,
  instanceFrozen: ({ engineId }) => `is told by its engine that ${engineId} stands still`,
  instanceThawed: ({ engineId }) => `is told by its engine that ${engineId} goes on`,
  instanceDrifted: ({ engineId, drift }) =>
    `is told by its engine that ${engineId} is ${drift === undefined ? 'as it was made' : 'changed'}`,
  instanceRemoved: ({ engineId }) => `is told by its engine that ${engineId} is gone`,
  engineAsked: ({ answered: isThere }) =>
    isThere ? 'hears that its engine answers' : 'has no answer of its engine',
  guardJoined: () => 'its guard answers',
  guardAcknowledged: ({ key }) => `its guard acknowledges ${key}`,
  guardLost: () => 'its guard is silent',
  commandGiven: ({ command, commandId }) => `is asked by a user to ${command.kind} (${commandId})`,
};
const PROBED = {
  connected: 'it is open',
  refused: 'it refuses',
  silent: 'nothing answers',
} as const;
