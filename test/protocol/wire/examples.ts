/** One small valid message of most kinds, to be spoiled field by field. */
import { decodeMessage } from '../../../protocol/wire/decode.ts';
import type { Message } from '../../../protocol/wire/message.ts';

export type Patch = Readonly<Record<string, unknown>>;
export const REVISION = { term: 4, seq: 2 };
export const BALLOT = { n: 1, host: 'h1' };
export const ROSTER = {
  epoch: 3,
  voters: ['h1', 'h2', 'h3'],
  termMs: { normal: 3000, strict: 10_000 },
};
export const COMPONENT = {
  name: 'db',
  mode: 'replicated',
  replicas: 1,
  image: 'redis:7',
  environment: {},
  ports: [],
  volumes: [],
  restart: { kind: 'always' },
  dependsOn: [],
  stopGraceMs: 10_000,
};
export const SPEC = { name: 'shop', components: [COMPONENT] };
export const STACK = { kind: 'stack', spec: SPEC, life: 0, since: { term: 4, seq: 1 } };
export const TOMBSTONE = { kind: 'stack', life: 1, since: { term: 4, seq: 1 } };
export const ASSIGNMENT = {
  kind: 'component',
  component: 'shop.db',
  life: 0,
  stackRevision: REVISION,
  spec: COMPONENT,
  slots: [{ slot: 1, host: 'h2' }],
};
/** On the way from one spec to another. */
export const withFormer = (spec: object): Patch => ({
  ...ASSIGNMENT,
  revision: 'fedcba9876543210',
  rollout: { former: [{ revision: '0123456789abcdef', spec }], failed: [1], paused: 'exit 1' },
  slots: [
    { slot: 1, host: 'h2', trial: true },
    { slot: 2, host: 'h2', former: '0123456789abcdef' },
  ],
});
export const withHistory = (...specs: readonly object[]): Patch => ({
  ...ASSIGNMENT,
  history: specs.map((spec) => ({
    revision: '0123456789abcdef',
    spec,
    since: REVISION,
    became: 'done',
  })),
});
export const MEMBER = { id: 'h1', name: 'host one', peerId: '12D3KooWabc' };
export const MEMBERS = { kind: 'members', members: [MEMBER] };
export const REPORT = {
  kind: 'instance',
  component: 'shop.db',
  slot: 1,
  state: 'running',
  health: 'healthy',
  attempt: 1,
  restarts: 0,
  crashLoop: false,
  revision: '0123456789abcdef',
  term: 4,
  ports: [],
};
export const op = (version: number, more: Patch = {}): Patch => ({
  name: 'host',
  version,
  ...more,
});
export const many = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
export const keys = (count: number): string[] =>
  many(count, (i) => `stack/s${String(i).padStart(5, '0')}`);

export const VALID = {
  beat: { boot: 1, seq: 2, incarnation: 0, inventoryVersion: 3 },
  rumor: { by: 'h1', about: 'h2', boot: 1, incarnation: 0, health: 'suspect' },
  inventoryDelta: { owner: 'h1', boot: 1, ageMs: 9, from: 4, ops: [op(6), op(9)] },
  pull: { inventories: [{ owner: 'h1', boot: 1, version: 2 }], records: [] },
  delta: {
    inventories: [
      { owner: 'h1', boot: 1, ageMs: 9, reset: false, from: 4, version: 9, ops: [op(6), op(9)] },
    ],
    records: [],
  },
  rosterPromise: { epoch: 4, ballot: BALLOT, ok: true, promised: BALLOT },
  rosterAccept: { base: ROSTER, ballot: BALLOT, roster: { ...ROSTER, epoch: 4 } },
  rosterChosen: { roster: ROSTER },
  syncPage: { epoch: 3, after: '', records: [], last: true, ceiling: 9, maxTermMs: 3000 },
  prepare: { epoch: 3, sid: 1, items: [{ key: 'stack/shop', ballot: 5 }] },
  keepalive: { epoch: 3, class: 'normal', termMs: 3000, seq: 1, sid: 1 },
  open: { keys: ['sys/roster'] },
  readAck: { epoch: 3, key: 'stack/shop', term: 5, ok: true, promised: 5, deployIds: [] },
  write: { epoch: 3, key: 'stack/shop', revision: REVISION, value: STACK, deployIds: [] },
  push: { record: { key: 'stack/shop', revision: REVISION, value: STACK } },
  deploy: { deployId: 'd1', stack: 'shop', spec: SPEC },
  join: { host: 'h4', name: 'host four', peerId: '12D3KooWabc', boot: 7 },
  welcome: { roster: ROSTER, members: { key: 'sys/roster', revision: REVISION, value: MEMBERS } },
} satisfies { readonly [K in Message['kind']]?: Patch };

export const record = (key: string, value: Patch): Patch => ({ key, revision: REVISION, value });
export const promised = (term: number, kept: Patch): Patch => ({
  promised: term,
  deployIds: [],
  ...kept,
});

/** A valid message of this kind with some fields replaced: the code and path of its refusal. */
export function verdict(kind: keyof typeof VALID, patch: Patch): string {
  const decoded = decodeMessage({ kind, ...VALID[kind], ...patch });
  return decoded.ok ? 'ok' : `${decoded.error.code} at ${decoded.error.path || 'the top'}`;
}
