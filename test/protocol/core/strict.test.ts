/** Strict singletons on whole cores: who runs one, from when, until when, and who comes next. */
import { expect, it } from 'vitest';
import { componentId, type Key, slotKey } from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import { firstTerms, holderTermMs, LAN } from '../../../protocol/config.ts';
import { hasYielded } from '../../../protocol/core/strict.ts';
import { viewOf } from '../../../protocol/view/build.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import {
  type Cluster,
  coreOf,
  crash,
  deploy,
  destroy,
  divide,
  give,
  grown,
  guardJoins,
  hostOf,
  lose,
  run,
  running,
  soon,
  stack,
  start,
} from './cluster.ts';

const SHOP = stack('shop', 'db', { singleton: 'strict' });
const SLOT = slotKey(componentId('shop', 'db'), 1);

/** Three hosts, of which these have guards, and the shop deployed. */
function shopping(guarded: string): Cluster {
  const cluster = grown('abc');
  for (const name of guarded) guardJoins(cluster, hostOf(cluster, name));
  run(cluster, 500);
  deploy(cluster, 'a', 'open', SHOP);
  return cluster;
}

function guardLeaves(cluster: Cluster, name: string): void {
  const host = hostOf(cluster, name);
  host.guarded = false;
  give(cluster, host, { kind: 'guardLost' });
}

/** And its agent has been told so. */
const runs = (cluster: Cluster): boolean =>
  running(cluster).length === 1 &&
  [...cluster.hosts.values()].some(
    ({ core }) => core?.slots.reports.get('instance/shop.db/1')?.state === 'running',
  );
/** Whoever sends strict keepalives from now on. */
function strictFrom(cluster: Cluster): readonly string[] {
  const strict: string[] = [];
  cluster.lost = (from, _to, message: Message) => {
    if (message.kind === 'keepalive' && message.class === 'strict') strict.push(from);
    return false;
  };
  return strict;
}

const hostRunning = (cluster: Cluster): string => running(cluster)[0]?.slice(0, 1) ?? 'none';
const termOf = (cluster: Cluster, name: string): number =>
  Math.max(...[...hostOf(cluster, name).instances.values()].map(({ term }) => term));
const heldTerm = (cluster: Cluster, name: string, key: Key): number =>
  coreOf(cluster, name).leases?.holder.holds.get(key)?.term ?? -1;

it('a strict slot runs under the term of its own lease, on a host that has a guard', () => {
  const cluster = shopping('b');
  soon(cluster, 3000, () => runs(cluster));
  expect(running(cluster)).toEqual(['b shop.db.1']);
  expect(termOf(cluster, 'b')).toBe(heldTerm(cluster, 'b', SLOT));
  const report = coreOf(cluster, 'b').slots.reports.get('instance/shop.db/1');
  expect(report).toMatchObject({ state: 'running', term: termOf(cluster, 'b') });
});

it('without any guard it goes nowhere, and says why (X5)', () => {
  const cluster = shopping('');
  const strict = strictFrom(cluster);
  run(cluster, 5000);
  expect(strict).toEqual([]);
  expect(running(cluster)).toEqual([]);
  const said = 'abc'
    .split('')
    .flatMap((name) => coreOf(cluster, name).journal.map(({ text }) => text));
  expect(said.join('\n')).toContain('no guard runs there, and it is a strict singleton');
});

it('everyone sees which hosts have no guard, as long as anything strict is deployed', () => {
  const cluster = shopping('b');
  const unguarded = (): string =>
    viewOf(coreOf(cluster, 'c'), instant(cluster.now))
      .hosts.filter((host) => host.unguarded)
      .map(({ id }) => id)
      .join('');
  soon(cluster, 3000, () => runs(cluster));
  expect(unguarded()).toBe('ac');
  guardJoins(cluster, hostOf(cluster, 'a'));
  soon(cluster, 3000, () => unguarded() === 'c');
  guardLeaves(cluster, 'b');
  soon(cluster, 15_000, () => unguarded() === 'bc');
  destroy(cluster, 'a', 'over', 'shop');
  soon(cluster, 3000, () => unguarded() === '');
});

it('a guard that acknowledges nothing lets nothing begin (X1)', () => {
  const cluster = grown('abc');
  const b = hostOf(cluster, 'b');
  guardJoins(cluster, b);
  run(cluster, 500);
  b.guarded = false; // deaf, and not missed yet
  deploy(cluster, 'a', 'open', SHOP);
  soon(cluster, 3000, () => heldTerm(cluster, 'b', SLOT) > 0);
  run(cluster, 500);
  expect(running(cluster)).toEqual([]);
});

it('when its guard is lost an instance is killed at once, and comes back with the guard (X2)', () => {
  const cluster = shopping('b');
  soon(cluster, 3000, () => runs(cluster));
  const before = termOf(cluster, 'b');
  guardLeaves(cluster, 'b');
  expect(running(cluster)).toEqual([]);
  run(cluster, 2000);
  expect(running(cluster)).toEqual([]);
  guardJoins(cluster, hostOf(cluster, 'b'));
  soon(cluster, 1000, () => runs(cluster));
  expect(termOf(cluster, 'b')).toBeGreaterThanOrEqual(before);
});

it('a host without a guard for ten seconds loses the slot to one that has one', () => {
  const cluster = shopping('b');
  soon(cluster, 3000, () => runs(cluster));
  guardJoins(cluster, hostOf(cluster, 'c'));
  guardLeaves(cluster, 'b');
  run(cluster, 9000);
  expect(running(cluster)).toEqual([]);
  soon(cluster, 4000, () => runs(cluster));
  expect(running(cluster)).toEqual(['c shop.db.1']);
});

it('the next start of its agent kills what it finds, and starts under a higher term (X3)', () => {
  const cluster = shopping('b');
  soon(cluster, 3000, () => runs(cluster));
  const before = termOf(cluster, 'b');
  crash(cluster, 'b');
  expect(running(cluster)).toEqual(['b shop.db.1']);
  start(cluster, 'b');
  soon(cluster, 1000, () => !runs(cluster));
  soon(cluster, 2000, () => runs(cluster));
  expect(running(cluster)).toEqual(['b shop.db.1']);
  expect(termOf(cluster, 'b')).toBeGreaterThan(before);
});

it('after the loss of its host it runs elsewhere as soon as the lease has run out, and no sooner', () => {
  const cluster = shopping('abc');
  soon(cluster, 3000, () => runs(cluster));
  const first = hostRunning(cluster);
  run(cluster, 10_000);
  const until = hostOf(cluster, first).guard.warrants.get(SLOT)?.until ?? 0;
  lose(cluster, first);
  soon(cluster, 15_000, () => runs(cluster));
  expect(hostRunning(cluster)).not.toBe(first);
  expect(cluster.now).toBeGreaterThan(until);
  // V is earlier than the end of the voters' sessions by the errors of clocks.
  const slackMs = LAN.strictTermMs - holderTermMs(LAN.strictTermMs, LAN);
  expect(cluster.now - until).toBeLessThan(slackMs + 500);
});

it('a key is released only when what was made under it has ended (X4)', () => {
  const cluster = shopping('b');
  soon(cluster, 3000, () => runs(cluster));
  const releases: (readonly string[])[] = [];
  cluster.lost = (_from, _to, message: Message) => {
    if (message.kind === 'release' && message.items.some(({ key }) => key === SLOT))
      releases.push(running(cluster));
    return false;
  };
  destroy(cluster, 'a', 'close', 'shop');
  soon(cluster, 3000, () => releases.length === 2); // and it says so to itself
  expect(releases.flat()).toEqual([]);
});

it('what an earlier start of the host has bound is not returned, but runs out (X4)', () => {
  const cluster = shopping('b');
  soon(cluster, 3000, () => runs(cluster));
  const bound = heldTerm(cluster, 'b', SLOT);
  crash(cluster, 'b');
  const released: number[] = [];
  cluster.lost = (from, _to, message: Message) => {
    if (message.kind === 'release' && from === hostOf(cluster, 'b').id)
      for (const { key, ballot } of message.items) if (key === SLOT) released.push(ballot);
    return false;
  };
  start(cluster, 'b');
  run(cluster, 12_000);
  expect(released).not.toContain(bound);
});

it('in a minority V stands still, and nothing is started there', () => {
  const cluster = shopping('b');
  soon(cluster, 3000, () => runs(cluster));
  divide(cluster, 'b', 'ac');
  run(cluster, 500);
  const until = hostOf(cluster, 'b').guard.warrants.get(SLOT)?.until;
  run(cluster, 5000);
  expect(hostOf(cluster, 'b').guard.warrants.get(SLOT)?.until).toBe(until);
  run(cluster, 6000); // beyond V, where the guard has long killed it
  expect(running(cluster)).toEqual([]);
});

it('T of both classes is in the roster, and only hosts that want a strict key keep up its sessions', () => {
  const cluster = shopping('b');
  soon(cluster, 3000, () => runs(cluster));
  expect(coreOf(cluster, 'a').council.roster.termMs).toEqual(firstTerms(LAN));
  const strict = strictFrom(cluster);
  run(cluster, 5000);
  expect(new Set(strict)).toEqual(new Set(['b']));
});

it('before an agent ends for good its strict instance ends, and another host has the slot at once (X9)', () => {
  const cluster = shopping('abc');
  soon(cluster, 3000, () => runs(cluster));
  const name = hostRunning(cluster);
  const host = hostOf(cluster, name);
  give(cluster, host, { kind: 'yielding' });
  const core = coreOf(cluster, name);
  expect(hasYielded(core)).toBe(false);
  expect(soon(cluster, 1000, () => hasYielded(core))).toBeGreaterThan(0);
  expect(running(cluster)).toEqual([]);
  run(cluster, 1000);
  expect(running(cluster)).toEqual([]);
  give(cluster, host, { kind: 'stopping', why: 'stop' });
  run(cluster, 20);
  crash(cluster, name);
  expect(soon(cluster, 1500, () => runs(cluster))).toBeLessThan(LAN.strictTermMs / 4);
  expect(hostRunning(cluster)).not.toBe(name);
});
