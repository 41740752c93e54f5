/** Every message there can be, for fast-check: one arbitrary per kind, its relations kept. */
import * as fc from 'fast-check';
import {
  epoch as epochOf,
  type Fork,
  fork as forkFrom,
  type Key,
  key as keyOf,
  term as termOf,
} from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import { BACK_WITHIN_MS_MAX } from '../../../protocol/limits.ts';
import { compareText } from '../../../protocol/base/order.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { count, length, maybe, object, type Of, word, words } from './arbitrary.ts';
import {
  ballot,
  boot,
  committed,
  deployId,
  deployIds,
  epoch,
  expected,
  host,
  hostName,
  incarnation,
  key,
  membersRecord,
  ops,
  peerId,
  placed,
  register,
  revision,
  roster,
  stackSpec,
  term,
} from './arbitrary-records.ts';
import { setting } from './arbitrary-placement.ts';

const rosterBallot = fc.record({ n: count, host });
const vote = { epoch, ballot: rosterBallot, ok: fc.boolean(), promised: rosterBallot };
const afterKey: Of<Key | ''> = fc.oneof(
  fc.constant('' as const),
  fc.constant(keyOf('component/-.-')),
);
const grant = fc.record({ boot, count, nonce: fc.nat(2 ** 32 - 1) });
const attempt = fc.record({ key, ballot });
const attempts = fc.array(attempt, { maxLength: 5 });
const uniqueBy = <T>(item: Of<T>, selector: (made: T) => string) =>
  fc.uniqueArray(item, { maxLength: 3, selector });

/** Without what any of them may say: the fork of its sender. */
type Plain<K extends Message['kind']> = Omit<Extract<Message, { readonly kind: K }>, 'fork'>;
type Arbitraries = {
  readonly [K in Message['kind']]: Of<Extract<Message, { readonly kind: K }>>;
};

export const messagesByKind: Arbitraries = {
  beat: fc.record({ kind: word('beat'), boot, seq: count, incarnation, inventoryVersion: count }),
  probe: fc.record({ kind: word('probe'), nonce: count }),
  probeAck: fc.record({ kind: word('probeAck'), nonce: count, boot, incarnation }),
  probeFor: fc.record({ kind: word('probeFor'), nonce: count, about: host }),
  probeForAck: fc.record(
    {
      kind: word('probeForAck'),
      nonce: count,
      about: host,
      heard: fc.record({ boot, incarnation }),
    },
    { requiredKeys: ['kind', 'nonce', 'about'] },
  ),
  knock: fc.record({
    kind: word('knock'),
    about: host,
    boot,
    outcome: word('connected', 'refused', 'silent'),
  }),
  rumor: object<Plain<'rumor'>>({
    kind: word('rumor'),
    by: host,
    about: host,
    boot,
    incarnation,
    health: word('alive', 'suspect', 'dead', 'left'),
    backWithinMs: maybe(fc.nat(BACK_WITHIN_MS_MAX).map(millis)),
  }),
  heartbeat: fc.record({
    kind: word('heartbeat'),
    host,
    boot,
    seq: count,
    incarnation,
    inventoryVersion: count,
    epoch,
    recordsHash: fc.nat(2 ** 32 - 1),
  }),
  inventoryDelta: fc
    .record({ owner: host, boot, ageMs: length, ops })
    .map(({ owner, boot: of, ageMs, ops: { from, ops: made } }) => ({
      kind: 'inventoryDelta',
      owner,
      boot: of,
      ageMs,
      from,
      ops: made,
    })),
  pull: fc.record({
    kind: word('pull'),
    inventories: uniqueBy(fc.record({ owner: host, boot, version: count }), ({ owner }) => owner),
    records: uniqueBy(fc.record({ key, revision }), (each) => each.key),
  }),
  delta: fc.record({
    kind: word('delta'),
    inventories: uniqueBy(
      fc
        .record({ owner: host, boot, ageMs: length, reset: fc.boolean(), ops, beyond: fc.nat(5) })
        .map(({ ops: made, beyond, ...rest }) => ({
          ...rest,
          ...made,
          version: made.version + beyond,
        })),
      ({ owner }) => owner,
    ),
    records: uniqueBy(committed, (each) => each.key),
  }),
  rosterPrepare: fc.record({ kind: word('rosterPrepare'), base: roster, ballot: rosterBallot }),
  rosterPromise: object<Plain<'rosterPromise'>>({
    kind: word('rosterPromise'),
    ...vote,
    accepted: maybe(fc.record({ ballot: rosterBallot, roster })),
  }).map((made) =>
    made.accepted === undefined ? made : { ...made, epoch: made.accepted.roster.epoch },
  ),
  rosterAccept: fc
    .record({ kind: word('rosterAccept'), base: roster, ballot: rosterBallot, roster })
    .map((made) => ({ ...made, roster: { ...made.roster, epoch: epochOf(made.base.epoch + 1) } })),
  rosterAccepted: fc.record({ kind: word('rosterAccepted'), ...vote }),
  rosterChosen: fc.record({ kind: word('rosterChosen'), roster }),
  syncPull: fc.record({ kind: word('syncPull'), epoch, after: afterKey }),
  syncPage: fc
    .record({
      kind: word('syncPage'),
      epoch,
      records: uniqueBy(register, (each) => each.key),
      last: fc.boolean(),
      ceiling: ballot,
      maxTermMs: length,
    })
    .map(({ records, last, ...rest }) => ({
      ...rest,
      after: '' as const,
      records: records.sort((a, b) => compareText(a.key, b.key)),
      last: last || records.length === 0,
    })),
  keepalive: object<Plain<'keepalive'>>({
    kind: word('keepalive'),
    epoch,
    class: word('normal', 'strict'),
    termMs: length,
    seq: count,
    sid: boot,
    grant: maybe(grant),
  }),
  keepaliveAck: fc.record({
    kind: word('keepaliveAck'),
    epoch,
    class: word('normal', 'strict'),
    seq: count,
    sid: boot,
    grant,
    fresh: fc.boolean(),
    yourBoot: boot,
    synced: fc.boolean(),
    maxTermMs: length,
    revoked: attempts,
    bindings: attempts,
  }),
  prepare: fc.record({ kind: word('prepare'), epoch, sid: boot, items: attempts }),
  prepareAck: fc.record({
    kind: word('prepareAck'),
    epoch,
    sid: boot,
    items: fc.array(
      fc.record({
        key,
        ballot,
        status: word('open', 'self', 'held', 'silent', 'nack'),
        hint: ballot,
      }),
      { maxLength: 5 },
    ),
  }),
  accept: fc.record({ kind: word('accept'), epoch, sid: boot, grant, items: attempts }),
  acceptAck: fc.record({
    kind: word('acceptAck'),
    epoch,
    sid: boot,
    grant,
    items: fc.array(fc.record({ key, ballot, ok: fc.boolean(), hint: ballot }), { maxLength: 5 }),
  }),
  release: object<Plain<'release'>>({
    kind: word('release'),
    sid: boot,
    items: attempts,
    ends: fc.boolean(),
    prefer: maybe(host),
  }),
  open: object<Plain<'open'>>({
    kind: word('open'),
    keys: fc.array(key, { maxLength: 5 }),
    prefer: maybe(host),
  }),
  handOver: fc.record({ kind: word('handOver'), key, to: host }),
  revoke: fc.record({ kind: word('revoke'), epoch, items: attempts, prefer: host }),
  read: fc.record({ kind: word('read'), epoch, key, term }),
  readAck: fc
    .record({ kept: register, epoch, ok: fc.boolean(), below: fc.nat(9) })
    .map(({ kept, epoch: of, ok, below }) => {
      const asked = ok ? kept.promised : termOf(Math.max(0, kept.promised - below));
      return { kind: 'readAck', epoch: of, term: asked, ok, ...kept };
    }),
  write: fc
    .record({ placed, epoch, revision, deployIds })
    .map(({ placed: { key: at, value }, ...rest }) => ({ kind: 'write', key: at, value, ...rest })),
  writeAck: fc.record({
    kind: word('writeAck'),
    epoch,
    key,
    revision,
    outcome: word('stored', 'superseded', 'refused'),
    promised: term,
  }),
  push: fc.record({ kind: word('push'), record: committed }),
  pushAck: fc.record({ kind: word('pushAck'), key, revision }),
  deploy: fc
    .record({
      deployId,
      spec: stackSpec,
      at: maybe(words),
      destroy: fc.boolean(),
      expect: expected,
    })
    .map(({ deployId: id, spec, at, destroy, expect }) => {
      const deploy = {
        kind: 'deploy',
        deployId: id,
        stack: spec.name,
        ...(expect === undefined ? {} : { expect }),
      } as const;
      return destroy ? deploy : { ...deploy, spec, ...(at === undefined ? {} : { at }) };
    }),
  deployResult: fc.record({
    kind: word('deployResult'),
    deployId,
    outcome: fc.oneof(
      fc.record({ kind: word('committed'), revision, changed: fc.boolean() }),
      fc.record({ kind: word('refused'), code: words, why: words }),
      fc.record({ kind: word('unknown'), why: words }),
    ),
  }),
  join: fc.record({ kind: word('join'), host, name: hostName, peerId, boot }),
  welcome: fc
    .record({ roster, placed: membersRecord, revision })
    .map(({ roster: given, placed: { key: at, value }, revision: of }) => ({
      kind: 'welcome',
      roster: given,
      members: { key: at, revision: of, value },
    })),
  forget: fc.record({ kind: word('forget'), host }),
  adjust: object<Plain<'adjust'>>({ kind: word('adjust'), host, adjusted: count, ...setting }),
  dismissed: fc
    .record({ placed: membersRecord, revision })
    .map(({ placed: { key: at, value }, revision: of }) => ({
      kind: 'dismissed',
      members: { key: at, revision: of, value },
    })),
};

const plainMessage: Of<Message> = fc.oneof(...Object.values<Of<Message>>(messagesByKind));
const anyFork: Of<Fork> = fc.nat(255 * 2 ** 24).map(forkFrom);
export const anyMessage: Of<Message> = fc.oneof(
  plainMessage,
  fc.record({ said: plainMessage, fork: anyFork }).map(({ said, fork }) => ({ ...said, fork })),
);
export const KINDS = Object.keys(messagesByKind).sort(compareText) as readonly Message['kind'][];
