import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ballot,
  boot,
  clusterId,
  hostId,
  type Key,
  ROSTER_KEY,
  stackKey,
  term,
} from '../../../protocol/base/ids.ts';
import { createPrng } from '../../../protocol/base/prng.ts';
import { instant, millis } from '../../../protocol/base/time.ts';
import { firstTerms, LAN } from '../../../protocol/config.ts';
import { decodeRestored } from '../../../protocol/core/restore.ts';
import { createCore, emptyDisk, foundCluster, step } from '../../../protocol/core.ts';
import type { Effect } from '../../../protocol/effect.ts';
import { type Durable, raiseCeiling, raiseMaxTerm } from '../../../protocol/lease/durable.ts';
import {
  type Registers,
  onRead,
  onWrite,
  wipeRegisters,
} from '../../../protocol/record/register.ts';
import { onRosterAccept, onRosterPrepare } from '../../../protocol/roster/acceptor.ts';
import { adopt, createCouncil } from '../../../protocol/roster/council.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import type { Turn } from '../../../protocol/turn.ts';
import { committed, register, roster } from '../wire/arbitrary-records.ts';

const H1 = hostId('h1');
const SHOP = stackKey('shop');
const termMs = firstTerms(LAN);
const FOUNDED = foundCluster(H1, LAN).roster;
const JOINT: Roster = { ...FOUNDED, epoch: 2 as never, next: ['h1', 'h2', 'h3'].map(hostId) };
const HOST = { boot: 3, ceiling: 2004, maxTermMs: 3000, synced: true };
const BALLOT = { n: 1, host: 'h1' };
const REGISTER = {
  promised: 5,
  revision: { term: 4, seq: 1 },
  value: { kind: 'stack', life: 0, since: { term: 4, seq: 1 } },
  deployIds: ['d'],
};
const COMMITTED = {
  key: SHOP,
  revision: { term: 4, seq: 1 },
  value: { kind: 'stack', life: 0, since: { term: 4, seq: 1 } },
};
const DISK = { host: HOST, roster: JOINT };

type Disk = Map<string, unknown>;
const turnAt = (ms: number): Turn => ({
  now: instant(ms),
  config: LAN,
  self: H1,
  boot: boot(3),
  prng: createPrng(1),
  out: [],
});

/** What a disk holds after these effects, its values as a disk gives them back: copied. */
function write(disk: Disk, effects: readonly Effect[]): void {
  for (const effect of effects) {
    if (effect.kind !== 'persist') continue;
    for (const { name, value } of effect.writes) {
      if (value === undefined) disk.delete(name);
      else disk.set(name, structuredClone(value));
    }
  }
}

function verdict(disk: Readonly<Record<string, unknown>>): string {
  const decoded = decodeRestored(new Map(Object.entries(disk)), LAN);
  return decoded.ok ? 'ok' : `${decoded.error.code} at ${decoded.error.path || 'the top'}`;
}

describe('decodeRestored', () => {
  it('takes an empty disk for a host that has joined nothing', () => {
    expect(decodeRestored(new Map(), LAN)).toEqual({ ok: true, value: emptyDisk(LAN) });
  });

  it.each([
    ['a founder', foundCluster(H1, LAN)],
    ['a host on its way into a cluster', emptyDisk(LAN)],
  ])('takes the roster of %s, written before the first start', (_name, first) => {
    const disk = new Map([['roster', structuredClone(first.roster)]]);
    expect(decodeRestored(disk, LAN)).toEqual({ ok: true, value: first });
  });

  it('takes a roster of before there were strict leases for one that names their T', () => {
    const { termMs: _, ...rest } = FOUNDED;
    const disk = new Map([['roster', { ...rest, termMs: { normal: 3000 } }]]);
    const restored = decodeRestored(disk, LAN);
    expect(restored.ok && restored.value.roster).toEqual(FOUNDED);
  });

  it('reads what the machines write when they promise, accept, adopt and forget', () => {
    const turn = turnAt(0);
    const durable: Durable = {
      boot: boot(3),
      ceiling: ballot(0),
      maxTermMs: millis(0),
      synced: true,
    };
    raiseCeiling(durable, turn, ballot(7));
    raiseMaxTerm(durable, turn, millis(3000));
    const registers: Registers = new Map();
    adopt(createCouncil(FOUNDED, undefined), { durable, registers }, turn, JOINT);
    const stable: Roster = { epoch: 3 as never, voters: ['h1', 'h2', 'h3'].map(hostId), termMs };
    const ask = { base: JOINT, ballot: { n: 1, host: H1 } };
    const promised = onRosterPrepare(undefined, turn, H1, { kind: 'rosterPrepare', ...ask });
    const accepted = onRosterAccept(promised, turn, H1, {
      kind: 'rosterAccept',
      ...ask,
      roster: stable,
    });
    const of = { epoch: JOINT.epoch, key: SHOP };
    onRead(registers, turn, H1, { kind: 'read', ...of, term: term(5) });
    const value = { kind: 'stack', life: 1, since: { term: term(4), seq: 1 } } as const;
    const revision = { term: term(5), seq: 1 };
    onWrite(registers, turn, H1, { kind: 'write', ...of, revision, value, deployIds: ['d1'] });
    onRead(registers, turn, H1, { kind: 'read', ...of, key: ROSTER_KEY, term: term(6) });
    const disk: Disk = new Map();
    write(disk, turn.out);
    const found = { roster: JOINT, acceptor: accepted, registers, committed: [] };
    const expected = { ...durable, ...found, joins: false };
    expect(decodeRestored(disk, LAN)).toEqual({ ok: true, value: expected });

    const last = turnAt(1);
    last.out.push({ kind: 'persist', writes: wipeRegisters(registers) });
    write(disk, last.out);
    expect(decodeRestored(disk, LAN)).toEqual({
      ok: true,
      value: { ...expected, registers: new Map() },
    });
  });

  it('starts a core where the last one stopped', () => {
    const facts = {
      kind: 'host',
      name: 'one',
      agent: '0',
      engine: 'none',
      runs: 'processes',
      publishAddress: '',
      cpuCount: 1,
      memoryBytes: 1,
    } as const;
    const identity = {
      host: H1,
      cluster: clusterId('c1'),
      name: 'one',
      peerId: '12D3KooWabc',
      facts,
    };
    const disk: Disk = new Map([['roster', FOUNDED]]);
    const core = createCore(LAN, identity, 1, foundCluster(H1, LAN));
    for (let ms = 0; ms < 8_000; ms += 50)
      write(disk, step(core, { kind: ms === 0 ? 'started' : 'woken' }, instant(ms)));
    const restored = decodeRestored(disk, LAN);
    if (!restored.ok) throw new Error(JSON.stringify(restored.error));
    expect(restored.value).toMatchObject({ boot: 1, synced: true, roster: FOUNDED });
    expect(restored.value.ceiling).toBe(core.durable.ceiling);
    expect(restored.value.registers).toEqual(core.registers);
    // A sole voter has led, and committed who belongs to the cluster.
    expect(restored.value.committed.map((record) => record.key)).toEqual([ROSTER_KEY]);
    expect(createCore(LAN, identity, 2, restored.value).boot).toBe(2);
  });

  it('reads back any disk', () => {
    const byKey = <T extends { readonly key: Key }>(one: fc.Arbitrary<T>) =>
      fc.uniqueArray(one, { maxLength: 4, selector: ({ key }) => key });
    fc.assert(
      fc.property(byKey(register), byKey(committed), roster, (registers, records, voters) => {
        const disk: Disk = new Map<string, unknown>([
          ['host', HOST],
          ['roster', voters],
        ]);
        for (const { key, ...kept } of registers) disk.set(`record/${key}`, kept);
        for (const record of records) disk.set(`committed/${record.key}`, record);
        const decoded = decodeRestored(disk, LAN);
        if (!decoded.ok) throw new Error(JSON.stringify(decoded.error));
        const { registers: kept, committed: found } = decoded.value;
        expect(kept).toEqual(new Map(registers.map(({ key, ...each }) => [key, each])));
        expect(new Set(found)).toEqual(new Set(records));
      }),
    );
  });

  it('does not depend on the order in which the disk gives its entries', () => {
    const entries = [
      ['host', HOST],
      ['roster', JOINT],
      ...['b', 'a', 'c'].map((name) => [
        `committed/stack/${name}`,
        { ...COMMITTED, key: `stack/${name}` },
      ]),
    ] as [string, unknown][];
    const there = decodeRestored(new Map(entries), LAN);
    expect(there.ok).toBe(true);
    expect(JSON.stringify(decodeRestored(new Map(entries.reverse()), LAN))).toBe(
      JSON.stringify(there),
    );
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    [
      'a voter as it should be',
      {
        ...DISK,
        acceptor: { epoch: 3, promised: BALLOT },
        [`record/${SHOP}`]: REGISTER,
        [`committed/${SHOP}`]: COMMITTED,
      },
      'ok',
    ],
    [
      'a host that learned who is a member, and then stopped',
      { host: HOST, 'committed/stack/shop': COMMITTED },
      'ok',
    ],
    [
      'a ceiling above every counter a peer may name',
      { ...DISK, host: { ...HOST, ceiling: 2 ** 52 + 1000 } },
      'ok',
    ],
    ['an entry of a later version', { ...DISK, guard: {} }, 'unknown at [guard]'],
    [
      'a host entry without its ceiling',
      { ...DISK, host: { boot: 1, maxTermMs: 0, synced: true } },
      'missing at [host].ceiling',
    ],
    ['a boot that is no number', { ...DISK, host: { ...HOST, boot: '3' } }, 'type at [host].boot'],
    [
      'a host entry that is not there',
      { roster: JOINT, [`record/${SHOP}`]: REGISTER },
      'inconsistent at the top',
    ],
    [
      'votes without the roster that gave them weight',
      { host: HOST, [`record/${SHOP}`]: REGISTER },
      'inconsistent at the top',
    ],
    [
      'a vote for a roster two epochs on',
      { ...DISK, acceptor: { epoch: 4, promised: BALLOT } },
      'inconsistent at the top',
    ],
    [
      'an accepted roster of another epoch',
      {
        ...DISK,
        acceptor: { epoch: 3, promised: BALLOT, accepted: { ballot: BALLOT, roster: JOINT } },
      },
      'inconsistent at [acceptor]',
    ],
    [
      'a roster nobody votes in',
      { host: HOST, roster: { ...FOUNDED, voters: [] } },
      'inconsistent at [roster]',
    ],
    [
      'a register that lost its value',
      { ...DISK, [`record/${SHOP}`]: { ...REGISTER, value: undefined } },
      'inconsistent at [record/stack/shop]',
    ],
    [
      'a register that promises less than it accepted',
      { ...DISK, [`record/${SHOP}`]: { ...REGISTER, promised: 3 } },
      'inconsistent at [record/stack/shop]',
    ],
    [
      'a register under the key of another kind',
      { ...DISK, 'record/component/shop.db': REGISTER },
      'inconsistent at [record/component/shop.db]',
    ],
    ['a register under no key', { ...DISK, 'record/what': REGISTER }, 'form at [record/what]'],
    ['a register of nothing', { ...DISK, [`record/${SHOP}`]: null }, 'type at [record/stack/shop]'],
    [
      'a committed record under another name',
      { ...DISK, 'committed/stack/other': COMMITTED },
      'inconsistent at [committed/stack/other]',
    ],
    [
      'a committed record with a hole',
      { ...DISK, [`committed/${SHOP}`]: { ...COMMITTED, revision: { term: 4 } } },
      'missing at [committed/stack/shop].revision.seq',
    ],
  ])('%s', (_name, disk, expected) => {
    expect(verdict(disk)).toBe(expected);
  });
});
