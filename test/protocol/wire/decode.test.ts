import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterId } from '../../../protocol/base/ids.ts';
import {
  decodeEnvelope,
  decodeMessage,
  envelope,
  type message,
  WIRE_VERSION,
} from '../../../protocol/wire/decode.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import type { Decoded } from '../../../protocol/wire/schema.ts';
import { COUNTER_MAX } from '../../../protocol/wire/vocabulary.ts';
import { KINDS, messagesByKind } from './arbitrary-messages.ts';
import {
  ASSIGNMENT,
  BALLOT,
  COMPONENT,
  MEMBER,
  MEMBERS,
  many,
  op,
  type Patch,
  promised,
  record,
  REPORT,
  REVISION,
  ROSTER,
  SPEC,
  STACK,
  TOMBSTONE,
  VALID,
  verdict,
} from './examples.ts';

/** One level of nesting after another written out, so that only the meaning is compared. */
type Plain<T> = T extends string | number | boolean
  ? T
  : T extends readonly (infer E)[]
    ? readonly Plain<E>[]
    : { [K in keyof T]: Plain<T[K]> };
/** True only for the very same type: a field forgotten, or not optional, makes it false. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const checked = (check: Patch): Patch => ({
  spec: { ...SPEC, components: [{ ...COMPONENT, healthcheck: undefined, ...check }] },
});
const rhythm = { intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 0 };
const heartbeat = { ...rhythm, target: { kind: 'tcp', port: 80 } };

describe('decodeMessage', () => {
  it('decodes to the very type that the core is written for', () => {
    const same: Same<Plain<Decoded<typeof message>>, Plain<Message>> = true;
    expect(same).toBe(true);
  });

  it.each(KINDS)('leaves a %s as it is, and is at ease with fields of a later version', (kind) => {
    fc.assert(
      fc.property(messagesByKind[kind], (given: Message) => {
        expect(decodeMessage(given)).toEqual({ ok: true, value: given });
        expect(decodeMessage({ ...given, later: [[[]]] })).toEqual({ ok: true, value: given });
      }),
      { numRuns: 100 },
    );
  });

  it.each(Object.keys(VALID) as (keyof typeof VALID)[])(
    'takes the %s of the tables below',
    (kind) => {
      expect(verdict(kind, {})).toBe('ok');
    },
  );

  it.each<[string, keyof typeof VALID, Patch, string]>([
    ['a counter that sums would make inexact', 'beat', { boot: COUNTER_MAX + 1 }, 'range at boot'],
    ['a negative counter', 'beat', { seq: -1 }, 'range at seq'],
    ['a host id with a capital', 'rumor', { by: 'H1' }, 'form at by'],
    ['an empty host id', 'rumor', { by: '' }, 'form at by'],
    ['a host id of 33 characters', 'rumor', { by: 'a'.repeat(33) }, 'form at by'],
    ['a host id with a line break at its end', 'rumor', { by: 'h1\n' }, 'form at by'],
    ['a health nobody has', 'rumor', { health: 'ill' }, 'unknown at health'],
    ['a reboot of two days', 'rumor', { backWithinMs: 172_800_000 }, 'range at backWithinMs'],
    ['a class of leases to come', 'keepalive', { class: 'loose' }, 'unknown at class'],
    ['a key of another kind', 'open', { keys: ['seat/shop.db/1'] }, 'form at keys[0]'],
    ['a slot key without a slot', 'open', { keys: ['slot/shop.db'] }, 'form at keys[0]'],
    ['a key with a path', 'open', { keys: ['stack/../x'] }, 'form at keys[0]'],
    ['a component key with three parts', 'open', { keys: ['component/a.b.c'] }, 'form at keys[0]'],
    ['a name of 64 characters', 'open', { keys: [`stack/${'a'.repeat(64)}`] }, 'form at keys[0]'],
    ['a name that rings the bell of a terminal', 'join', { name: 'a\u0007' }, 'form at name'],
    [
      'an inventory op of another name than its entry',
      'inventoryDelta',
      { ops: [op(6, { entry: REPORT })] },
      'inconsistent at ops[0]',
    ],
    ['a version twice', 'inventoryDelta', { ops: [op(6), op(6)] }, 'inconsistent at the top'],
    ['a version that falls', 'inventoryDelta', { ops: [op(9), op(6)] }, 'inconsistent at the top'],
    ['a version known before', 'inventoryDelta', { ops: [op(4)] }, 'inconsistent at the top'],
    [
      'an op beyond the version reached',
      'delta',
      { inventories: [{ ...VALID.delta.inventories[0], version: 8 }] },
      'inconsistent at inventories[0]',
    ],
    [
      'a version reached below the start',
      'delta',
      { inventories: [{ ...VALID.delta.inventories[0], version: 3, ops: [] }] },
      'inconsistent at inventories[0]',
    ],
    [
      'two parts of one owner',
      'delta',
      { inventories: many(2, () => VALID.delta.inventories[0]) },
      'inconsistent at inventories',
    ],
    [
      'an owner asked for twice',
      'pull',
      { inventories: many(2, () => VALID.pull.inventories[0]) },
      'inconsistent at inventories',
    ],
    [
      'a roster without voters',
      'rosterChosen',
      { roster: { ...ROSTER, voters: [] } },
      'inconsistent at roster',
    ],
    [
      'a roster with no voters to come',
      'rosterChosen',
      { roster: { ...ROSTER, next: [] } },
      'inconsistent at roster',
    ],
    [
      'a voter twice',
      'rosterChosen',
      { roster: { ...ROSTER, voters: ['h1', 'h1'] } },
      'inconsistent at roster.voters',
    ],
    [
      'voters out of order',
      'rosterChosen',
      { roster: { ...ROSTER, voters: ['h2', 'h1'] } },
      'inconsistent at roster.voters',
    ],
    [
      'voters to come out of order',
      'rosterChosen',
      { roster: { ...ROSTER, next: ['h2', 'h1'] } },
      'inconsistent at roster.next',
    ],
    [
      'eight voters',
      'rosterChosen',
      { roster: { ...ROSTER, voters: many(8, (i) => `h${i}`) } },
      'too-large at roster.voters',
    ],
    [
      'a lease of no length',
      'rosterChosen',
      { roster: { ...ROSTER, termMs: { normal: 0 } } },
      'inconsistent at roster',
    ],
    [
      'the roster of a host without a cluster',
      'rosterChosen',
      { roster: { ...ROSTER, epoch: 0 } },
      'inconsistent at roster',
    ],
    [
      'a roster that skips an epoch',
      'rosterAccept',
      { roster: { ...ROSTER, epoch: 5 } },
      'inconsistent at the top',
    ],
    [
      'a roster that replaces its own base',
      'rosterAccept',
      { roster: ROSTER },
      'inconsistent at the top',
    ],
    [
      'a vote for another epoch',
      'rosterPromise',
      { accepted: { ballot: BALLOT, roster: ROSTER } },
      'inconsistent at the top',
    ],
    ['a page that ends without an end', 'syncPage', { last: false }, 'inconsistent at the top'],
    [
      'a page out of order',
      'syncPage',
      { records: ['stack/b', 'stack/a'].map((key) => ({ key, ...promised(1, {}) })) },
      'inconsistent at the top',
    ],
    [
      'a page that goes back',
      'syncPage',
      { after: 'stack/b', records: [{ key: 'stack/a', ...promised(1, {}) }] },
      'inconsistent at the top',
    ],
    [
      'a record accepted beyond its promise',
      'syncPage',
      { records: [{ key: 'stack/shop', ...promised(3, { revision: REVISION, value: STACK }) }] },
      'inconsistent at records[0]',
    ],
    ['a value without a revision', 'readAck', { value: STACK }, 'inconsistent at the top'],
    ['a revision without a value', 'readAck', { revision: REVISION }, 'inconsistent at the top'],
    ['a yes above what was asked', 'readAck', { promised: 6 }, 'inconsistent at the top'],
    [
      'a stack under the key of another',
      'write',
      { key: 'stack/other' },
      'inconsistent at the top',
    ],
    [
      'a stack under the key of a component',
      'write',
      { key: 'component/shop.db', value: TOMBSTONE },
      'inconsistent at the top',
    ],
    ['a stack under the roster', 'write', { key: 'sys/roster' }, 'inconsistent at the top'],
    [
      'members under the key of a stack',
      'push',
      { record: record('stack/shop', MEMBERS) },
      'inconsistent at record',
    ],
    [
      'an assignment under the key of another',
      'push',
      { record: record('component/shop.web', ASSIGNMENT) },
      'inconsistent at record',
    ],
    [
      'an assignment with the spec of another',
      'push',
      { record: record('component/shop.db', { ...ASSIGNMENT, spec: { ...COMPONENT, name: 'b' } }) },
      'inconsistent at record.value',
    ],
    [
      'a slot filled twice',
      'push',
      {
        record: record('component/shop.db', {
          ...ASSIGNMENT,
          slots: many(2, () => ASSIGNMENT.slots[0]),
        }),
      },
      'inconsistent at record.value.slots',
    ],
    [
      'a member twice',
      'welcome',
      { members: record('sys/roster', { kind: 'members', members: [MEMBER, MEMBER] }) },
      'inconsistent at members.value.members',
    ],
    [
      'a welcome that names no members',
      'welcome',
      { members: record('stack/shop', STACK) },
      'inconsistent at the top',
    ],
    [
      'a deploy of another stack than it names',
      'deploy',
      { stack: 'other' },
      'inconsistent at the top',
    ],
    [
      'a component twice',
      'deploy',
      { spec: { ...SPEC, components: [COMPONENT, COMPONENT] } },
      'inconsistent at spec',
    ],
    [
      'a zero character in a command',
      'deploy',
      { spec: { ...SPEC, components: [{ ...COMPONENT, command: ['a\0b'] }] } },
      'form at spec.components[0].command[0]',
    ],
    [
      'a variable with = in its name',
      'deploy',
      { spec: { ...SPEC, components: [{ ...COMPONENT, environment: { 'a=b': '' } }] } },
      'form at spec.components[0].environment["a=b"]',
    ],
    [
      'port 0',
      'deploy',
      {
        spec: { ...SPEC, components: [{ ...COMPONENT, ports: [{ target: 0, protocol: 'tcp' }] }] },
      },
      'range at spec.components[0].ports[0].target',
    ],
    [
      'an unknown kind of volume',
      'deploy',
      { spec: { ...SPEC, components: [{ ...COMPONENT, volumes: [{ kind: 'tmpfs' }] }] } },
      'unknown at spec.components[0].volumes[0].kind',
    ],
    [
      'a heartbeat beside a healthcheck',
      'deploy',
      checked({ healthcheck: { ...rhythm, test: { kind: 'shell', line: 'true' } }, heartbeat }),
      'inconsistent at spec.components[0]',
    ],
    [
      'a heartbeat at a port that there is not',
      'deploy',
      checked({ heartbeat: { ...heartbeat, target: { kind: 'tcp', port: 0 } } }),
      'range at spec.components[0].heartbeat.target.port',
    ],
    [
      'a path that would begin another line of a request',
      'deploy',
      checked({ inspect: { port: 80, path: '/ HTTP/1.1\r\nHost: x' } }),
      'form at spec.components[0].inspect.path',
    ],
  ])('refuses %s', (_name, kind, patch, expected) => {
    expect(verdict(kind, patch)).toBe(expected);
  });

  it('gives two spellings of one spec the same JSON', () => {
    const { name, environment: _, ...rest } = COMPONENT;
    const a = { ...rest, environment: { A_LONG_NAME: '1', B: '2' }, name };
    const b = { name, environment: { B: '2', A_LONG_NAME: '1' }, ...rest, later: true };
    const jsonOf = (component: Patch): string =>
      JSON.stringify(
        decodeMessage({
          kind: 'deploy',
          ...VALID.deploy,
          spec: { ...SPEC, components: [component] },
        }),
      );
    expect(jsonOf(a)).toContain('"ok":true');
    expect(jsonOf(a)).toBe(jsonOf(b));
  });
});

describe('decodeEnvelope', () => {
  const ours = clusterId('c1');
  const sealed = { v: WIRE_VERSION, c: 'c1', m: { kind: 'probe', nonce: 1 } };
  it.each<[string, unknown, string]>([
    ['our own', sealed, 'ok'],
    ['another version', { ...sealed, v: WIRE_VERSION + 1 }, 'version at v'],
    ['another version with another shape', { v: WIRE_VERSION + 1, body: [] }, 'version at v'],
    ['no version', { c: 'c1', m: sealed.m }, 'missing at v'],
    ['another cluster', { ...sealed, c: 'c2' }, 'foreign at c'],
    ['no cluster', { v: sealed.v, m: sealed.m }, 'foreign at c'],
    ['no message', { v: sealed.v, c: 'c1' }, 'type at m'],
    ['a broken message', { ...sealed, m: { kind: 'probe' } }, 'missing at m.nonce'],
    ['a kind to come', { ...sealed, m: { kind: 'telepathy' } }, 'unknown at m.kind'],
  ])('%s: %o is %s', (_name, value, expected) => {
    const decoded = decodeEnvelope(value, ours);
    expect(decoded.ok ? 'ok' : `${decoded.error.code} at ${decoded.error.path}`).toBe(expected);
  });

  it('survives a getter that throws', () => {
    const value = Object.defineProperty({ ...sealed }, 'm', {
      get: () => {
        throw new Error('gotcha');
      },
    });
    expect(decodeEnvelope(value, ours)).toMatchObject({ ok: false, error: { code: 'hostile' } });
  });

  it('reads what `envelope` wraps', () => {
    const probe: Message = { kind: 'probe', nonce: 7 };
    expect(decodeEnvelope(envelope(ours, probe), ours)).toEqual({ ok: true, value: probe });
  });
});
