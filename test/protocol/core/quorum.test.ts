/** What counts toward a quorum: not what is late, nor of another epoch, nor from who has nothing yet. */
import { expect, it } from 'vitest';
import {
  boot,
  epoch,
  type HostId,
  type Key,
  ROSTER_KEY,
  stackKey,
  term,
} from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import { holderTermMs, LAN } from '../../../protocol/config.ts';
import { heldKeys } from '../../../protocol/view/held.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import {
  answered,
  type Cluster,
  coreOf,
  deploy,
  found,
  give,
  grown,
  hostOf,
  newCluster,
  run,
  running,
  soon,
  stack,
  start,
} from './cluster.ts';

type Letter = { readonly from: HostId; readonly to: HostId; readonly message: Message };

/** Everything sent from now on between two hosts; what `isLost` says does not arrive. */
function overhear(
  cluster: Cluster,
  isLost: (letter: Letter) => boolean = () => false,
): readonly Letter[] {
  const letters: Letter[] = [];
  cluster.lost = (from, to, message) => {
    const letter = { from, to, message };
    if (from !== to) letters.push(letter);
    return from !== to && isLost(letter);
  };
  return letters;
}

const hand = (cluster: Cluster, { from, to, message }: Letter): void =>
  give(cluster, hostOf(cluster, to), { kind: 'messageReceived', from, message });

/** Who leads the key among `a`, `b` and `c`. */
function leaderOf(cluster: Cluster, key: Key): string {
  const leader = Array.from('abc').find((name) => coreOf(cluster, name).writers.has(key));
  if (leader === undefined) throw new Error(`nobody leads ${key}`);
  return leader;
}

const kindsTo = (letters: readonly Letter[], name: string): readonly string[] =>
  letters.filter(({ to }) => to === name).map(({ message }) => message.kind);
const kindsFrom = (letters: readonly Letter[], name: string): readonly string[] =>
  letters.filter(({ from }) => from === name).map(({ message }) => message.kind);

it('a lease counts from when its keepalive left, however late the answer is (H1)', () => {
  const cluster = grown('abc');
  const leader = leaderOf(cluster, ROSTER_KEY);
  const letters = overhear(cluster, ({ to }) => to === leader);
  const answer = () =>
    letters.find(({ to, message }) => to === leader && message.kind === 'keepaliveAck');
  soon(cluster, 1000, () => answer() !== undefined);
  const answeredAt = cluster.now;
  run(cluster, 1500);
  const late = answer();
  if (late !== undefined) hand(cluster, late);
  const [held] = heldKeys(coreOf(cluster, leader), instant(cluster.now));
  expect(held?.key).toBe(ROSTER_KEY);
  expect(held?.validUntil).toBeLessThanOrEqual(answeredAt + holderTermMs(LAN.termMs, LAN));
});

it.each([
  [{}, undefined, 'they count: the deploy is under way'],
  [{ epoch: epoch(2) }, 'a answers x: refused no-quorum', 'they are of an earlier epoch (Q2)'],
  [{ sid: boot(0) }, 'a answers x: refused no-quorum', 'an earlier start had asked (L-b)'],
])('answers to keepalives that arrive as %j: %s, %s', (changes, answer, _why) => {
  const cluster = grown('abc');
  const letters = overhear(cluster, ({ to }) => to === 'a');
  run(cluster, 1500);
  for (const letter of letters) {
    const { to, message } = letter;
    if (to !== 'a' || message.kind !== 'keepaliveAck') continue;
    hand(cluster, { ...letter, message: { ...message, ...changes } });
  }
  deploy(cluster, 'a', 'x', stack('shop', 'web'));
  expect(answered(cluster, 'x')).toBe(answer);
});

it('a voter serves nobody of another epoch, but tells of its own (Q2)', () => {
  const cluster = grown('abc');
  const letters = overhear(cluster);
  deploy(cluster, 'a', 'x', stack('shop', 'web'));
  run(cluster, 3000);
  const leader = leaderOf(cluster, stackKey('shop'));
  const asked = (['keepalive', 'prepare', 'accept', 'read', 'write'] as const).map((kind) =>
    letters.find(({ from, message }) => from === leader && message.kind === kind),
  );
  const answers = overhear(cluster, () => true);
  for (const letter of asked) {
    if (letter === undefined) throw new Error('not everything was asked');
    const message = { ...letter.message, epoch: epoch(2) } as Message;
    const before = answers.length;
    hand(cluster, { ...letter, message });
    expect(answers[before], message.kind).toMatchObject({ message: { kind: 'rosterChosen' } });
    expect(kindsFrom(answers.slice(before), letter.to)).not.toContain(`${message.kind}Ack`);
  }
});

it('what no quorum has acknowledged is passed on to nobody (R5)', () => {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'x', stack('shop', 'web'));
  soon(cluster, 5000, () => running(cluster).length === 1);
  const leader = leaderOf(cluster, stackKey('shop'));
  const letters = overhear(cluster, ({ message }) => message.kind === 'writeAck');
  deploy(cluster, leader, 'y', stack('shop', 'web:2'));
  run(cluster, 2000);
  const passedOn = () =>
    letters.filter(
      ({ message }) =>
        (message.kind === 'push' || message.kind === 'delta') &&
        JSON.stringify(message).includes('web:2'),
    );
  expect(kindsFrom(letters, leader)).toContain('write');
  expect(passedOn()).toEqual([]);
  const healed = overhear(cluster);
  soon(cluster, 5000, () => kindsFrom(healed, leader).includes('push'));
});

it('a new voter answers keepalives alone until it has merged what the old ones hold (Q3)', () => {
  const cluster = newCluster('abc');
  found(cluster, 'a');
  deploy(cluster, 'a', 'x', stack('shop', 'web'));
  for (const name of 'bc') start(cluster, name);
  const letters = overhear(cluster, ({ message }) => message.kind === 'syncPage');
  soon(cluster, 10_000, () => coreOf(cluster, 'a').council.roster.next !== undefined);
  deploy(cluster, 'a', 'y', stack('shop', 'web:2'));
  run(cluster, 2000);
  for (const kind of ['keepalive', 'prepare', 'write'])
    expect(kindsTo(letters, 'c')).toContain(kind);
  const answers = ['keepaliveAck', 'prepareAck', 'acceptAck', 'readAck', 'writeAck'];
  const given = new Set(kindsFrom(letters, 'c').filter((kind) => answers.includes(kind)));
  expect([...given]).toEqual(['keepaliveAck']);
});

it('who wakes after its lease has run out writes nothing more under it (R4)', () => {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'x', stack('shop', 'web'));
  soon(cluster, 5000, () => running(cluster).length === 1);
  const leader = leaderOf(cluster, stackKey('shop'));
  const from = hostOf(cluster, leader === 'a' ? 'b' : 'a').id;
  const stopped = hostOf(cluster, leader);
  stopped.stoppedUntil = cluster.now + 2 * LAN.termMs;
  const spec = stack('shop', 'web:2');
  const question = { kind: 'deploy', deployId: 'y', stack: 'shop', spec } as const;
  hand(cluster, { from, to: stopped.id, message: question }); // what it will read first
  run(cluster, 2 * LAN.termMs - 1);
  const letters = overhear(cluster, (letter) => letter.from === leader);
  run(cluster, 1);
  expect(letters.find(({ message }) => message.kind === 'deployResult')).toMatchObject({
    message: { deployId: 'y', outcome: { kind: 'refused', code: 'not-leader' } },
  });
  expect(kindsFrom(letters, leader)).not.toContain('write');
});

it('a leader that is outbid reads again under a higher term, and goes on (R6)', () => {
  const cluster = grown('abc');
  deploy(cluster, 'a', 'x', stack('shop', 'web'));
  soon(cluster, 5000, () => running(cluster).length === 1);
  const key = stackKey('shop');
  const leader = leaderOf(cluster, key);
  const writer = coreOf(cluster, leader).writers.get(key);
  const present = writer?.term ?? 0;
  const read = { kind: 'read', epoch: epoch(3), key, term: term(present + 1) } as const;
  for (const name of 'abc')
    if (name !== leader)
      hand(cluster, { from: hostOf(cluster, 'b').id, to: hostOf(cluster, name).id, message: read });
  deploy(cluster, leader, 'y', stack('shop', 'web:2'));
  soon(cluster, 5000, () => answered(cluster, 'y') === `${leader} answers y: committed`);
  expect(coreOf(cluster, leader).writers.get(key)).toBe(writer);
  expect(writer?.term).toBeGreaterThan(present);
});
