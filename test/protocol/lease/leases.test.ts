import { expect, it } from 'vitest';
import { ballot, boot, epoch, hostId, key, ROSTER_KEY } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import { holderTermMs, LAN } from '../../../protocol/config.ts';
import type { Field } from '../../../protocol/lease/candidate.ts';
import { isHeld } from '../../../protocol/lease/hold.ts';
import {
  createLeases,
  followRoster,
  type Leases,
  onLeaseMessage,
  releaseUnwanted,
  tendLeases,
} from '../../../protocol/lease/leases.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import type { Turn } from '../../../protocol/turn.ts';
import type { AcceptAck, KeepaliveAck, PrepareAck } from '../../../protocol/wire/message.ts';
import { order, sent, turnOf } from '../turns.ts';

const T = millis(3000);
const TH = holderTermMs(T, LAN);
const ABC: Roster = {
  epoch: epoch(1),
  voters: ['a', 'b', 'c'].map(hostId),
  termMs: { normal: T, strict: millis(10_000) },
};
const WEB = key('component/shop.web');
const FIELD: Field = {
  wanted: new Set([WEB]),
  urgent: new Set([WEB]),
  isHeld: () => false,
  leaderOf: () => undefined,
  alive: [hostId('p')],
  mayLeadStrict: true,
};

function leasesOf(): Leases {
  const durable = { boot: boot(1), ceiling: ballot(0), maxTermMs: T, synced: true };
  return createLeases(durable, turnOf('p', 0), ABC);
}

function hear(leases: Leases, at: number, message: KeepaliveAck | PrepareAck | AcceptAck): void {
  for (const voter of ABC.voters)
    onLeaseMessage(leases, turnOf('p', at), ABC, FIELD, voter, message);
}

function tend(leases: Leases, at: number): Turn {
  const turn = turnOf('p', at);
  tendLeases(leases, turn, ABC, FIELD);
  return turn;
}

/** Leads by the votes of all three, counted from a keepalive sent at 0; all has been said. */
function leading(): Leases {
  const leases = leasesOf();
  const common = { epoch: ABC.epoch, sid: boot(1) } as const;
  const grant = { boot: boot(1), count: 1, nonce: 0 };
  const rest = {
    grant,
    fresh: true,
    yourBoot: boot(1),
    synced: true,
    maxTermMs: T,
    revoked: [],
    bindings: [],
  };
  for (const { message } of sent(tend(leases, 0), 'keepalive'))
    hear(leases, 1, {
      kind: 'keepaliveAck',
      class: 'normal',
      ...common,
      seq: message.seq,
      ...rest,
    });
  const vote = { key: WEB, ballot: ballot(1), hint: ballot(1) };
  hear(leases, 2, { kind: 'prepareAck', ...common, items: [{ ...vote, status: 'open' }] });
  hear(leases, 3, { kind: 'acceptAck', ...common, grant, items: [{ ...vote, ok: true }] });
  const won = tend(leases, 4).out.filter(({ kind }) => kind === 'leaseChanged');
  expect(won).toEqual([{ kind: 'leaseChanged', key: WEB, term: 1, event: 'won', validUntil: TH }]);
  return leases;
}

it('lets go of what a voter calls revoked before its answer prolongs anything (H6)', () => {
  const leases = leading();
  const at = T / 4 + 10;
  const [keepalive] = sent(tend(leases, at), 'keepalive');
  const turn = turnOf('p', at + 1);
  onLeaseMessage(leases, turn, ABC, FIELD, hostId('a'), {
    kind: 'keepaliveAck',
    class: 'normal',
    epoch: ABC.epoch,
    sid: boot(1),
    seq: keepalive?.message.seq ?? 0,
    grant: { boot: boot(1), count: 1, nonce: 0 },
    fresh: true,
    yourBoot: boot(1),
    synced: true,
    maxTermMs: T,
    revoked: [{ key: WEB, ballot: ballot(1) }],
    bindings: [],
  });
  expect(order(turn.out)).toEqual([
    'leaseChanged',
    'send a release',
    'send b release',
    'send c release',
  ]);
  expect(turn.out[0]).toMatchObject({ event: 'ended', validUntil: at + 1 });
  expect(leases.holder.holds.has(WEB)).toBe(false);
});

it('says that it leads no longer before it lets another lead (H4)', () => {
  const leases = leading();
  const turn = turnOf('p', 10);
  expect(releaseUnwanted(leases, turn, ABC, new Set([ROSTER_KEY]))).toEqual([WEB]);
  expect(order(turn.out)).toEqual([
    'leaseChanged',
    'send a release',
    'send b release',
    'send c release',
  ]);
  expect(turn.out[0]).toMatchObject({ event: 'ended', validUntil: 10 });
});

it('says once that a lease has run out', () => {
  const leases = leading();
  const ended = (at: number) =>
    tend(leases, at).out.filter((effect) => effect.kind === 'leaseChanged');
  expect(ended(TH - 1)).toEqual([]);
  expect(ended(TH)).toMatchObject([{ key: WEB, event: 'ended' }]);
  expect(ended(TH + 1)).toEqual([]);
});

it.each([
  [T, ['send q keepaliveAck'], 'the length that the roster names'],
  [millis(T - 1), [], 'shorter'],
  [millis(T + 1), [], 'longer'],
])('asked for a session of %i ms: %j, %s (L-c)', (termMs, effects, _why) => {
  const turn = turnOf('p', 0);
  const message = { class: 'normal', seq: 1, sid: boot(1), termMs } as const;
  onLeaseMessage(leasesOf(), turn, ABC, FIELD, hostId('q'), {
    kind: 'keepalive',
    epoch: ABC.epoch,
    ...message,
  });
  expect(order(turn.out)).toEqual(effects);
});

it.each([
  [3, true, 'the joint roster between had all three'],
  [5, false, 'any of them may have been removed, have forgotten all, and been added again'],
])('after a change to epoch %i unheard it still leads: %s, for %s (S1)', (to, leads, _why) => {
  const leases = leading();
  const turn = turnOf('p', 10);
  followRoster(leases, turn, { from: ABC, to: { ...ABC, epoch: epoch(to) } });
  expect(isHeld(leases.holder, leases.links, turn, ABC, WEB)).toBe(leads);
});
