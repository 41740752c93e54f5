/**
 * The only way into the core for what others say. A message that passes has the type it claims, keeps
 * every limit and every relation between its fields that the core relies on; nothing is said of
 * whether it is true.
 *
 * Each kind of `message.ts` has one schema here; `test/protocol/wire/decode.test.ts` has the compiler
 * prove that what they decode to and `Message` are the same type.
 */
import type { ClusterId, Key } from '../base/ids.ts';
import { fail, ok, type Result } from '../base/result.ts';
import type { Millis } from '../base/time.ts';
import { BACK_WITHIN_MS_MAX, DELTA_OPS_MAX, ITEMS_MAX } from '../limits.ts';
import type { Committed } from '../record/record.ts';
import type { Message } from './message.ts';
import {
  brokenRegister,
  committed,
  deployIds,
  expected,
  inventoryOp,
  misplaced,
  recordValue,
  register,
  revision,
  setting,
} from './record-schema.ts';
import { accepted, roster, rosterBallot, straySuccessor, strayVote } from './roster-schema.ts';
import {
  boolean,
  byKind,
  decode,
  type Decoded,
  type DecodeError,
  list,
  literal,
  object,
  optional,
  type Schema,
  where,
  whole,
  within,
} from './schema.ts';
import { stackSpec } from './spec-schema.ts';
import {
  ballot,
  boot,
  counter,
  deployId,
  disorder,
  duplicate,
  epoch,
  fork,
  hostId,
  hostName,
  incarnation,
  key,
  length,
  peerId,
  stackName,
  term,
  words,
} from './vocabulary.ts';

export type { DecodeError } from './schema.ts';

/** Raised when an older agent could misread a message; unknown fields are ignored without that. */
export const WIRE_VERSION = 2;

/** What travels: the version first of all, then whose message it is. */
export type Envelope = { readonly v: number; readonly c: ClusterId; readonly m: Message };

export const envelope = (cluster: ClusterId, message: Message): Envelope => ({
  v: WIRE_VERSION,
  c: cluster,
  m: message,
});

export function decodeMessage(value: unknown): Result<Message, DecodeError> {
  return decode(message, value);
}

/** `version` and `foreign` are told apart from damage: neither is a fault of the sender. */
export function decodeEnvelope(value: unknown, cluster: ClusterId): Result<Message, DecodeError> {
  return decode((given) => {
    const cover = seal(given);
    if (!cover.ok) return cover;
    const { v, c, m } = cover.value;
    if (v !== WIRE_VERSION) {
      const note = `version ${v} of the protocol, this agent speaks ${WIRE_VERSION}`;
      return fail({ code: 'version', path: 'v', message: note });
    }
    if (c !== cluster) return fail({ code: 'foreign', path: 'c', message: 'of another cluster' });
    const inner = message(m);
    return inner.ok ? inner : fail(within('m', inner.error));
  }, value);
}

const anything = (value: unknown): Result<unknown, DecodeError> => ok(value);
/** Another version may be sealed in another way: only `v` is asked of all of them. */
const seal = object({
  v: whole(0, Number.MAX_SAFE_INTEGER),
  c: optional(anything),
  m: optional(anything),
});

/** Versions rise from `from` on. Numbers are left out where a later change of the name replaced one. */
function brokenOps(
  from: number,
  version: number,
  ops: readonly { readonly version: number }[],
): string | undefined {
  let reached = from;
  for (const op of ops) {
    if (op.version <= reached) return `version ${op.version} does not rise above ${reached}`;
    reached = op.version;
  }
  return reached > version
    ? `version ${reached} is beyond ${version}, the last of the delta`
    : undefined;
}

const ops = list(inventoryOp, DELTA_OPS_MAX);
const known = object({ owner: hostId, boot, version: counter });
const revisionOf = object({ key, revision });
const part = where(
  object({
    owner: hostId,
    boot,
    ageMs: length,
    reset: boolean,
    from: counter,
    version: counter,
    ops,
  }),
  (given) => brokenOps(given.from, given.version, given.ops),
);

const rosterVote = {
  epoch,
  ballot: rosterBallot,
  ok: boolean,
  promised: rosterBallot,
} as const;

const syncRecord = where(object({ key, ...register }), (given) => brokenRegister(given.key, given));
/** `''`: from the first key on. */
const afterKey = (value: unknown): Result<Key | '', DecodeError> =>
  value === '' ? ok('') : key(value);

const grant = object({ boot, count: counter, nonce: counter });
const leaseClass = literal('normal', 'strict');
const attempt = { key, ballot } as const;
const attempts = list(object(attempt), ITEMS_MAX);

const outcome = byKind({
  committed: object({ kind: literal('committed'), revision, changed: boolean }),
  refused: object({ kind: literal('refused'), code: words, why: words }),
  unknown: object({ kind: literal('unknown'), why: words }),
});

const detector = {
  beat: object({
    kind: literal('beat'),
    boot,
    seq: counter,
    incarnation,
    inventoryVersion: counter,
  }),
  probe: object({ kind: literal('probe'), nonce: counter }),
  probeAck: object({ kind: literal('probeAck'), nonce: counter, boot, incarnation }),
  probeFor: object({ kind: literal('probeFor'), nonce: counter, about: hostId }),
  probeForAck: object({
    kind: literal('probeForAck'),
    nonce: counter,
    about: hostId,
    heard: optional(object({ boot, incarnation })),
  }),
  knock: object({
    kind: literal('knock'),
    about: hostId,
    boot,
    outcome: literal('connected', 'refused', 'silent'),
  }),
  rumor: object({
    kind: literal('rumor'),
    by: hostId,
    about: hostId,
    boot,
    incarnation,
    health: literal('alive', 'suspect', 'dead', 'left'),
    backWithinMs: optional(whole<Millis>(0, BACK_WITHIN_MS_MAX)),
  }),
} as const;

const dissemination = {
  heartbeat: object({
    kind: literal('heartbeat'),
    host: hostId,
    boot,
    seq: counter,
    incarnation,
    inventoryVersion: counter,
    epoch,
    recordsHash: counter,
  }),
  inventoryDelta: where(
    object({
      kind: literal('inventoryDelta'),
      owner: hostId,
      boot,
      ageMs: length,
      from: counter,
      ops,
    }),
    (given) => brokenOps(given.from, Infinity, given.ops),
  ),
  pull: object({
    kind: literal('pull'),
    inventories: where(list(known, ITEMS_MAX), (all) => duplicate(all.map(({ owner }) => owner))),
    records: where(list(revisionOf, ITEMS_MAX), (all) => duplicate(all.map((each) => each.key))),
  }),
  delta: object({
    kind: literal('delta'),
    inventories: where(list(part, ITEMS_MAX), (all) => duplicate(all.map(({ owner }) => owner))),
    records: where(list(committed, ITEMS_MAX), (all) => duplicate(all.map((each) => each.key))),
  }),
} as const;

const rosterMessages = {
  rosterPrepare: object({ kind: literal('rosterPrepare'), base: roster, ballot: rosterBallot }),
  rosterPromise: where(
    object({ kind: literal('rosterPromise'), ...rosterVote, accepted }),
    strayVote,
  ),
  rosterAccept: where(
    object({ kind: literal('rosterAccept'), base: roster, ballot: rosterBallot, roster }),
    straySuccessor,
  ),
  rosterAccepted: object({ kind: literal('rosterAccepted'), ...rosterVote }),
  rosterChosen: object({ kind: literal('rosterChosen'), roster }),
  syncPull: object({ kind: literal('syncPull'), epoch, after: afterKey }),
  syncPage: where(
    object({
      kind: literal('syncPage'),
      epoch,
      after: afterKey,
      records: list(syncRecord, ITEMS_MAX),
      last: boolean,
      ceiling: ballot,
      maxTermMs: length,
    }),
    (page) => {
      // Rule 4: a page that skips keys, or ends early, would make a voter forget a promise.
      if (!page.last && page.records.length === 0) return 'a page that is not the last is empty';
      return disorder([page.after, ...page.records.map((each) => each.key)]);
    },
  ),
} as const;

const lease = {
  keepalive: object({
    kind: literal('keepalive'),
    epoch,
    class: leaseClass,
    termMs: length,
    seq: counter,
    sid: boot,
    grant: optional(grant),
  }),
  keepaliveAck: object({
    kind: literal('keepaliveAck'),
    epoch,
    class: leaseClass,
    seq: counter,
    sid: boot,
    grant,
    fresh: boolean,
    yourBoot: boot,
    synced: boolean,
    maxTermMs: length,
    revoked: attempts,
    bindings: attempts,
  }),
  prepare: object({ kind: literal('prepare'), epoch, sid: boot, items: attempts }),
  prepareAck: object({
    kind: literal('prepareAck'),
    epoch,
    sid: boot,
    items: list(
      object({
        ...attempt,
        status: literal('open', 'self', 'held', 'silent', 'nack'),
        hint: ballot,
      }),
      ITEMS_MAX,
    ),
  }),
  accept: object({ kind: literal('accept'), epoch, sid: boot, grant, items: attempts }),
  acceptAck: object({
    kind: literal('acceptAck'),
    epoch,
    sid: boot,
    grant,
    items: list(object({ ...attempt, ok: boolean, hint: ballot }), ITEMS_MAX),
  }),
  release: object({
    kind: literal('release'),
    sid: boot,
    items: attempts,
    ends: boolean,
    prefer: optional(hostId),
  }),
  open: object({ kind: literal('open'), keys: list(key, ITEMS_MAX), prefer: optional(hostId) }),
  handOver: object({ kind: literal('handOver'), key, to: hostId }),
  revoke: object({ kind: literal('revoke'), epoch, items: attempts, prefer: hostId }),
} as const;

const records = {
  read: object({ kind: literal('read'), epoch, key, term }),
  readAck: where(
    object({ kind: literal('readAck'), epoch, key, term, ok: boolean, ...register }),
    (given) => {
      if (given.ok && given.promised > given.term) return 'it promised more than it says yes to';
      return brokenRegister(given.key, given);
    },
  ),
  write: where(
    object({ kind: literal('write'), epoch, key, revision, value: recordValue, deployIds }),
    (given) => misplaced(given.key, given.value),
  ),
  writeAck: object({
    kind: literal('writeAck'),
    epoch,
    key,
    revision,
    outcome: literal('stored', 'superseded', 'refused'),
    promised: term,
  }),
  push: object({ kind: literal('push'), record: committed }),
  pushAck: object({ kind: literal('pushAck'), key, revision }),
} as const;

const errands = {
  deploy: where(
    object({
      kind: literal('deploy'),
      deployId,
      stack: stackName,
      spec: optional(stackSpec),
      at: optional(words),
      expect: optional(expected),
    }),
    ({ stack, spec }) =>
      spec === undefined || spec.name === stack
        ? undefined
        : `${stack} has the spec of ${spec.name}`,
  ),
  deployResult: object({ kind: literal('deployResult'), deployId, outcome }),
  join: object({ kind: literal('join'), host: hostId, name: hostName, peerId, boot }),
  welcome: where(object({ kind: literal('welcome'), roster, members: committed }), namesMembers),
  forget: object({ kind: literal('forget'), host: hostId }),
  adjust: object({ kind: literal('adjust'), host: hostId, adjusted: counter, ...setting }),
  dismissed: where(object({ kind: literal('dismissed'), members: committed }), namesMembers),
} as const;

function namesMembers(given: { readonly members: Committed }): string | undefined {
  return given.members.value.kind === 'members' ? undefined : 'it names no members';
}

/** One schema per kind. */
const said = byKind({
  ...detector,
  ...dissemination,
  ...rosterMessages,
  ...lease,
  ...records,
  ...errands,
});
const speaker = object({ fork: optional(fork) });

/** Any of them may say which fork its sender follows. */
export const message: Schema<Decoded<typeof said> & Decoded<typeof speaker>> = (value) => {
  const inner = said(value);
  if (!inner.ok) return inner;
  const by = speaker(value);
  if (!by.ok) return by;
  return by.value.fork === undefined ? inner : ok({ ...inner.value, ...by.value });
};
