/** Records, registers and inventories: what is kept under names, here and on disks. */
import { labelChars } from '../component/label.ts';
import { componentKey, type Key, ROSTER_KEY, stackKey } from '../base/ids.ts';
import { type Entry, HOST_ENTRY, instanceEntry, leaseEntry } from '../inventory/entry.ts';
import { decisionEntry } from '../inventory/log.ts';
import {
  BURIED_MAX,
  COMPONENTS_MAX,
  DECISION_CHARS_MAX,
  DECISION_IDS_MAX,
  DEPLOY_IDS_MAX,
  FORMER_MAX,
  HISTORY_MAX,
  ITEMS_MAX,
  LABELS_CHARS_MAX,
  MEMBERS_MAX,
  RIVALS_MAX,
  SLOTS_MAX,
  VERSIONS_MAX,
} from '../limits.ts';
import { ok } from '../base/result.ts';
import type { Expected, RecordValue, Revision, Setting } from '../record/record.ts';
import {
  boolean,
  byKind,
  list,
  literal,
  object,
  optional,
  type Schema,
  text,
  where,
  whole,
} from './schema.ts';
import { componentSpec, oversize, stackSpec } from './spec-schema.ts';
import {
  boot,
  chosenPorts,
  componentId,
  componentName,
  counter,
  deployId,
  digest,
  disorder,
  duplicate,
  entryName,
  hostId,
  hostName,
  key,
  labels,
  length,
  peerId,
  stackName,
  subject,
  term,
  words,
} from './vocabulary.ts';

export const revision = object({ term, seq: counter });

export const expected: Schema<Expected> = (value) =>
  value === 'none' ? ok(value) : revision(value);

/** Fields of a member that users set. */
export const setting = {
  labels: optional(labels),
  availability: optional(literal('cordoned', 'draining')),
} as const;

const members = object({
  kind: literal('members'),
  members: where(
    list(
      object({ id: hostId, name: hostName, peerId, leaving: optional(boolean), ...setting }),
      MEMBERS_MAX,
    ),
    (all) => disorder(all.map(({ id }) => id)) ?? verbose(all),
  ),
  former: optional(
    where(list(object({ id: hostId, boot }), FORMER_MAX), (all) =>
      duplicate(all.map(({ id }) => id)),
    ),
  ),
  adjusted: optional(counter),
  buried: optional(
    where(list(object({ stack: stackName, life: counter, revision }), BURIED_MAX), (all) =>
      disorder(all.map((burial) => burial.stack)),
    ),
  ),
});

/** More than a frame has room for, beside everything else. */
function verbose(all: readonly Setting[]): string | undefined {
  const chars = all.reduce((sum, { labels: set }) => sum + labelChars(set), 0);
  return chars > LABELS_CHARS_MAX
    ? `${chars} characters of labels, at most ${LABELS_CHARS_MAX}`
    : undefined;
}

const dependents = where(
  list(
    object({ name: componentName, on: list(componentName, COMPONENTS_MAX), graceMs: length }),
    COMPONENTS_MAX,
  ),
  (all) => disorder(all.map(({ name }) => name)) ?? oversize(all),
);

const stack = where(
  object({
    kind: literal('stack'),
    spec: optional(stackSpec),
    at: optional(words),
    dependents: optional(dependents),
    life: counter,
    since: revision,
  }),
  ({ spec, dependents: of }) =>
    spec !== undefined && of !== undefined ? 'dependents of a stack that is there' : undefined,
);

/** An engine's word: some say -1 where they do not know. */
const exitCode = whole(-(2 ** 31), 2 ** 32);
/** Of the digest of a spec. */
const REVISION_CHARS = 16;

const slotEnd = object({
  state: literal('complete', 'failed'),
  attempt: optional(counter),
  exitCode: optional(exitCode),
});

const slot = where(
  object({
    slot: counter,
    host: hostId,
    former: optional(digest),
    trial: optional(boolean),
    left: optional(list(hostId, RIVALS_MAX)),
    ended: optional(slotEnd),
    from: optional(hostId),
    ports: optional(chosenPorts),
  }),
  ({ host, left = [], from }) => duplicate([host, ...left, ...(from === undefined ? [] : [from])]),
);

const rollout = object({
  former: where(list(object({ revision: digest, spec: componentSpec }), VERSIONS_MAX), (all) =>
    duplicate(all.map((version) => version.revision)),
  ),
  failed: list(counter, SLOTS_MAX),
  forgiven: optional(counter),
  paused: optional(words),
  refused: optional(object({ revision: digest, why: words, at: optional(words) })),
});

const past = object({
  revision: digest,
  spec: optional(componentSpec),
  since: revision,
  at: optional(words),
  became: optional(literal('done', 'takenBack', 'undone', 'paused', 'overtaken')),
  why: optional(words),
});

const component = where(
  object({
    kind: literal('component'),
    component: componentId,
    life: counter,
    stackRevision: revision,
    spec: componentSpec,
    revision: optional(digest),
    rollout: optional(rollout),
    history: optional(
      where(list(past, HISTORY_MAX), (all) => duplicate(all.map((one) => one.revision))),
    ),
    slots: where(list(slot, SLOTS_MAX), (slots) => duplicate(slots.map((each) => each.slot))),
    run: optional(object({ revision: text(REVISION_CHARS, /^[0-9a-f]*$/), since: revision })),
  }),
  ({ component: id, spec, slots, rollout: { former } = { former: [] }, history = [] }) => {
    const kept = history.flatMap((one) => one.spec ?? []);
    const stranger = [spec, ...former.map((version) => version.spec), ...kept].find(
      ({ name }) => !id.endsWith(`.${name}`),
    );
    if (stranger !== undefined) return `${id} has the spec of ${stranger.name}`;
    const known = new Set(former.map((version) => version.revision));
    const lost = slots.find((each) => each.former !== undefined && !known.has(each.former));
    if (lost !== undefined) return `slot ${lost.slot} has a spec that is not there`;
    const others = [...former, ...kept];
    return others.length === 0 ? undefined : oversize([spec, ...others]);
  },
);

export const recordValue = byKind({ members, stack, component });

/** Why this value cannot stand under this key; undefined: it can. */
export function misplaced(at: Key, value: RecordValue): string | undefined {
  if (fits(at, value)) return undefined;
  return `a value of kind ${value.kind} that does not belong under ${at}`;
}

function fits(at: Key, value: RecordValue): boolean {
  switch (value.kind) {
    case 'members':
      return at === ROSTER_KEY;
    case 'component':
      return at === componentKey(value.component);
    case 'stack':
      // A tombstone does not say whose it is.
      return value.spec === undefined ? at.startsWith('stack/') : at === stackKey(value.spec.name);
  }
}

export const committed = where(object({ key, revision, value: recordValue }), (record) =>
  misplaced(record.key, record.value),
);

export const deployIds = list(deployId, DEPLOY_IDS_MAX);

/** Fields of a register; wherever they stand `brokenRegister` must hold. */
export const register = {
  promised: term,
  revision: optional(revision),
  value: optional(recordValue),
  deployIds,
} as const;

/** G2 as seen from outside: a record is whole, belongs here, and was accepted under the promise. */
export function brokenRegister(
  at: Key,
  given: {
    readonly promised: number;
    readonly revision?: Revision;
    readonly value?: RecordValue;
  },
): string | undefined {
  if ((given.revision === undefined) !== (given.value === undefined))
    return 'a revision and its value are there together or not at all';
  if (given.revision !== undefined && given.revision.term > given.promised)
    return `it accepted term ${given.revision.term} beyond its promise ${given.promised}`;
  return given.value === undefined ? undefined : misplaced(at, given.value);
}

const hostFacts = object({
  kind: literal('host'),
  name: hostName,
  agent: words,
  engine: words,
  runs: literal('images', 'processes', 'nothing'),
  guard: optional(boolean),
  engineSilentAfterMs: optional(length),
  publishAddress: words,
  cpuCount: counter,
  memoryBytes: counter,
  os: optional(words),
  arch: optional(words),
  labels: optional(labels),
  address: optional(words),
});

const reportedPort = object({
  target: whole(0, 65_535),
  address: words,
  published: whole(0, 65_535),
  protocol: optional(literal('udp')),
});

const instanceReport = object({
  kind: literal('instance'),
  component: componentId,
  slot: counter,
  state: literal(
    'pending',
    'assigned',
    'preparing',
    'starting',
    'running',
    'stopping',
    'complete',
    'failed',
    'rejected',
    'shutdown',
  ),
  health: literal('none', 'starting', 'healthy', 'unhealthy'),
  attempt: counter,
  restarts: counter,
  crashLoop: boolean,
  revision: words,
  term,
  engineId: optional(words),
  pid: optional(counter),
  startedAt: optional(words),
  exitCode: optional(exitCode),
  reason: optional(words),
  isRival: optional(boolean),
  isOver: optional(boolean),
  ports: list(reportedPort, ITEMS_MAX),
});

const leadership = object({ kind: literal('lease'), key, term });

/** One word: `lease`, `placement`. */
const TOPIC_CHARS_MAX = 32;
const decision = object({
  kind: literal('decision'),
  seq: counter,
  afterMs: length,
  topic: text(TOPIC_CHARS_MAX),
  about: list(subject, DECISION_IDS_MAX),
  text: text(DECISION_CHARS_MAX),
});

const entry = byKind({
  host: hostFacts,
  instance: instanceReport,
  lease: leadership,
  decision,
});

export const inventoryOp = where(
  object({ name: entryName, version: counter, entry: optional(entry) }),
  (op) =>
    op.entry === undefined || op.name === nameOf(op.entry)
      ? undefined
      : `an entry of kind ${op.entry.kind} that does not belong under ${op.name}`,
);

function nameOf(given: Entry): string {
  switch (given.kind) {
    case 'host':
      return HOST_ENTRY;
    case 'instance':
      return instanceEntry(given.component, given.slot);
    case 'lease':
      return leaseEntry(given.key);
    case 'decision':
      return decisionEntry(given.seq);
  }
}
