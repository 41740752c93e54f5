/**
 * The schedule that 20,000 random seeds had missed, message by message, against the functions that
 * ship: an acceptance must not overwrite another's live binding (L-a in protocol/README.md). Without
 * that clause in `onAccept`, p and q lead together at the end.
 */
import { expect, it } from 'vitest';
import {
  ballot,
  boot,
  type Boot,
  epoch,
  type HostId,
  hostId,
  key,
} from '../../../protocol/base/ids.ts';
import { createPrng } from '../../../protocol/base/prng.ts';
import { type Instant, instant, millis } from '../../../protocol/base/time.ts';
import { firstTerms, LAN } from '../../../protocol/config.ts';
import type { Durable } from '../../../protocol/lease/durable.ts';
import { createHolder, heldUntil, type Holder } from '../../../protocol/lease/hold.ts';
import {
  acquire,
  onAcceptAck,
  onPrepareAck,
  release,
  returnLeaks,
} from '../../../protocol/lease/holder.ts';
import {
  createLinks,
  type Links,
  onKeepaliveAck,
  sendKeepalives,
  sessionWith,
  setVoters,
} from '../../../protocol/lease/links.ts';
import {
  createVoter,
  onAccept,
  onKeepalive,
  onPrepare,
  onRelease,
  type Voter,
} from '../../../protocol/lease/voter.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import type { Turn } from '../../../protocol/turn.ts';
import type { Message } from '../../../protocol/wire/message.ts';

const KEY = key('component/shop.web');
const names = ['a', 'b', 'c', 'd', 'x'] as const;
type Name = (typeof names)[number];
const roster: Roster = {
  epoch: epoch(1),
  voters: names.map(hostId),
  termMs: firstTerms(LAN),
};
let now: Instant = instant(0);

const turnOf = (self: HostId, of: Boot): Turn => ({
  now,
  config: LAN,
  self,
  boot: of,
  prng: createPrng(1),
  out: [],
});
const durable = (): Durable => ({
  boot: boot(1),
  ceiling: ballot(1000),
  maxTermMs: millis(0),
  synced: true,
});

/** Messages of a turn to one voter, or from it. */
const sent = (turn: Turn, to: HostId): readonly Message[] =>
  turn.out.flatMap((effect) =>
    effect.kind === 'send' && effect.to === to ? [effect.message] : [],
  );

type Holding = {
  readonly id: HostId;
  readonly holder: Holder;
  readonly links: Links;
  /** The newest prepare or accept to each voter: they may arrive late. */
  readonly mail: Map<string, Message>;
};

function createHolding(name: string): Holding {
  const links = createLinks();
  setVoters(links, roster);
  return { id: hostId(name), holder: createHolder(durable(), ballot(0)), links, mail: new Map() };
}

function createVoters(): Record<Name, Voter> {
  const make = (name: Name): Voter =>
    createVoter(durable(), ballot(0), instant(0), turnOf(hostId(name), boot(1)));
  return { a: make('a'), b: make('b'), c: make('c'), d: make('d'), x: make('x') };
}

const voters = createVoters();

function ask(h: Holding, name: Name, message: Message): readonly Message[] {
  const turn = turnOf(hostId(name), boot(1));
  if (message.kind === 'keepalive') onKeepalive(voters[name], turn, h.id, message);
  if (message.kind === 'prepare') onPrepare(voters[name], turn, h.id, message, true);
  if (message.kind === 'accept') onAccept(voters[name], turn, h.id, message);
  if (message.kind === 'release') onRelease(voters[name], h.id, message);
  return sent(turn, h.id);
}

/** The keepalives due now go out; only these voters get theirs, and answer. */
function keepAlive(h: Holding, reached: readonly Name[]): void {
  for (const name of names) {
    const session = sessionWith(h.links, hostId(name), 'normal');
    if (session !== undefined) session.sentAt = instant(-Infinity);
  }
  const turn = turnOf(h.id, boot(1));
  sendKeepalives(h.links, turn, roster);
  for (const name of reached)
    for (const message of sent(turn, hostId(name)))
      for (const answer of ask(h, name, message)) {
        if (answer.kind !== 'keepaliveAck') continue;
        const back = turnOf(h.id, boot(1));
        onKeepaliveAck(h.links, hostId(name), answer);
        returnLeaks(h.holder, back, hostId(name), answer.bindings);
        for (const leak of sent(back, hostId(name))) ask(h, name, leak);
      }
}

/** A new ballot `n`; nothing of it has arrived yet. */
function begin(h: Holding, n: number): void {
  h.holder.highest = ballot(n - 1);
  const turn = turnOf(h.id, boot(1));
  acquire(h.holder, h.links, turn, roster, [KEY]);
  post(h, turn);
}

function post(h: Holding, turn: Turn): void {
  for (const name of names)
    for (const message of sent(turn, hostId(name)))
      if (message.kind === 'prepare' || message.kind === 'accept')
        h.mail.set(`${message.kind} ${name}`, message);
}

/** The prepare, or the accept, of the present ballot arrives at these voters, and so do the answers. */
function arrive(
  h: Holding,
  kind: 'prepare' | 'accept',
  reached: readonly Name[],
): readonly string[] {
  return reached.flatMap((name) => {
    const message = h.mail.get(`${kind} ${name}`);
    if (message === undefined) return [];
    return ask(h, name, message).flatMap((answer) => {
      const turn = turnOf(h.id, boot(1));
      if (answer.kind === 'prepareAck')
        onPrepareAck(h.holder, h.links, turn, roster, hostId(name), answer);
      if (answer.kind === 'acceptAck') onAcceptAck(h.holder, h.links, roster, hostId(name), answer);
      post(h, turn);
      if (answer.kind === 'prepareAck') return answer.items.map(({ status }) => status);
      return answer.kind === 'acceptAck' ? answer.items.map(({ ok }) => (ok ? 'ok' : 'no')) : [];
    });
  });
}

const isHeld = (h: Holding): boolean =>
  now < heldUntil(h.holder, h.links, turnOf(h.id, boot(1)), roster, KEY);

function goOn(until: number, each: () => void): void {
  while (now < until) {
    now = instant(now + 250);
    each();
  }
}

it('an acceptance never overwrites a live binding: one leader at most', () => {
  const [p, r, q] = [createHolding('p'), createHolding('r'), createHolding('q')];
  for (const h of [p, r, q]) keepAlive(h, names);
  now = instant(10);
  keepAlive(p, names);

  begin(p, 1);
  arrive(p, 'prepare', names);
  arrive(p, 'accept', ['a', 'b', 'x']);
  expect(isHeld(p), 'p leads by a, b, x; its accepts to c and d are lost').toBe(true);

  now = instant(20);
  begin(r, 2);
  expect(arrive(r, 'prepare', ['c', 'd']), "r's other prepares are held up").toEqual([
    'open',
    'open',
  ]);
  expect(arrive(p, 'accept', ['c']), 'p is overtaken at c, and raises its ballot').toEqual(['no']);
  begin(p, 3);
  arrive(p, 'prepare', ['a', 'c', 'd']);
  expect(arrive(p, 'accept', ['a', 'c', 'd']), 'ballot 3; b and x never hear of it').toEqual([
    'ok',
    'ok',
    'ok',
  ]);

  goOn(4000, () => {
    keepAlive(p, ['a', 'c', 'd', 'x']);
    keepAlive(r, names);
    keepAlive(q, names);
  });
  expect(arrive(r, 'prepare', ['b']), "p's session at b has lapsed").toEqual(['open']);
  arrive(r, 'accept', names); // x must refuse: p still counts on it
  const turn = turnOf(r.id, boot(1));
  release(r.holder, turn, roster, [KEY]);
  for (const name of names) for (const message of sent(turn, hostId(name))) ask(r, name, message);

  goOn(8000, () => {
    keepAlive(p, ['c', 'd', 'x']);
    keepAlive(q, names);
  });
  expect(isHeld(p), 'p counts on c, d and x').toBe(true);
  begin(q, 4);
  arrive(q, 'prepare', ['a', 'b', 'x']);
  arrive(q, 'accept', ['a', 'b', 'x']);
  expect([isHeld(p), isHeld(q)]).toEqual([true, false]);
});
