/** The small values that messages and records are made of: names, counters, ids. */
import type {
  Ballot,
  Boot,
  ComponentId,
  Epoch,
  Fork,
  HostId,
  Incarnation,
  Key,
  Term,
} from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import type { Millis } from '../base/time.ts';
import { LABEL_NAME, LABEL_VALUE } from '../component/label.ts';
import { ITEMS_MAX, LABELS_MAX, STACK_CHARS_MAX, TEXT_MAX } from '../limits.ts';
import { record, text, whole } from './schema.ts';

/**
 * Highest counter a peer may name. The core adds to what it hears (a ballot, a ceiling, a block of
 * ballots); below this the sums stay exact, so that two different ballots are never equal.
 */
export const COUNTER_MAX = 2 ** 52;

const NAME = '[a-zA-Z0-9_-]{1,63}';
const HOST = '[a-z0-9]{1,32}';
const KEY = `(?:sys/roster|stack/${NAME}|component/${NAME}\\.${NAME}|slot/${NAME}\\.${NAME}/\\d{1,16})`;
const ENTRY = `(?:host|instance/${NAME}\\.${NAME}/\\d{1,16}|lease/${KEY}|log/\\d{1,3})`;
const only = (form: string): RegExp => new RegExp(`^${form}$`);
/** Longer than any name, key or entry: what is longer is not even matched. */
const NAME_CHARS_MAX = 256;

export const counter = whole(0, COUNTER_MAX);
export const boot = whole<Boot>(0, COUNTER_MAX);
export const incarnation = whole<Incarnation>(0, COUNTER_MAX);
export const ballot = whole<Ballot>(0, COUNTER_MAX);
export const term = whole<Term>(0, COUNTER_MAX);
export const epoch = whole<Epoch>(0, COUNTER_MAX);
export const fork = whole<Fork>(0, COUNTER_MAX);
export const length = whole<Millis>(0, COUNTER_MAX);
export const port = whole(1, 65_535);

/** As `portName` writes it; its address is any text of a spec. */
const portName = text(STACK_CHARS_MAX, /^(?:[^\0]*:)?\d{1,5}\/(?:tcp|udp)$/);
export const chosenPorts = record(portName, port, ITEMS_MAX);

export const hostId = text<HostId>(NAME_CHARS_MAX, only(HOST));
export const key = text<Key>(NAME_CHARS_MAX, only(KEY));
export const stackName = text(NAME_CHARS_MAX, only(NAME));
export const componentName = text(NAME_CHARS_MAX, only(NAME));
export const componentId = text<ComponentId>(NAME_CHARS_MAX, only(`${NAME}\\.${NAME}`));
export const entryName = text(NAME_CHARS_MAX, only(ENTRY));
/** For people; whoever prints it on a terminal may rely on there being no control characters. */
export const hostName = text(253, /^\P{Cc}+$/u);
export const peerId = text(128, /^[a-zA-Z0-9_-]+$/);
export const deployId = text(128, /^\P{Cc}+$/u);
/** Of a host. */
export const labelName = text(63, LABEL_NAME);
export const labelValue = text(63, LABEL_VALUE);
export const labels = record(labelName, labelValue, LABELS_MAX);
/** An id that a decision is about. */
export const subject = text(NAME_CHARS_MAX);
/** The revision of a spec. */
export const digest = text(16, /^[0-9a-f]{16}$/);
/** What an engine, an agent or a user said; read by people. */
export const words = text(TEXT_MAX);

/** Why this list is not strictly rising; undefined: it is, and so without duplicates. */
export function disorder(names: readonly string[]): string | undefined {
  for (const [i, name] of names.entries()) {
    const before = names[i - 1];
    if (before !== undefined && compareText(before, name) >= 0)
      return `${name} stands after ${before}: names must rise and be there once`;
  }
  return undefined;
}

/** Why this list names something twice; undefined: it does not. */
export function duplicate(names: readonly (string | number)[]): string | undefined {
  const seen = new Set<string | number>();
  for (const name of names) {
    if (seen.has(name)) return `${name} is there twice`;
    seen.add(name);
  }
  return undefined;
}
