/** A helper, and whoever asks one, fed by hand: what they send, line by line. */
import { beforeEach, describe, expect, it } from 'vitest';
import { boot, epoch, type HostId, hostId, incarnation } from '../../../protocol/base/ids.ts';
import { createPrng } from '../../../protocol/base/prng.ts';
import { instant } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import type { Effect } from '../../../protocol/effect.ts';
import { FAVORS_MAX } from '../../../protocol/limits.ts';
import {
  createMembership,
  healthOf,
  type Membership,
  membershipDeadline,
  noteHeard,
  onPeerDisconnected,
  onProbeAck,
  onProbeFor,
  onProbeForAck,
  setMembers,
  wakeMembership,
} from '../../../protocol/membership/membership.ts';
import type { Turn } from '../../../protocol/turn.ts';
import type { Message } from '../../../protocol/wire/message.ts';

const [me, x, y, z] = ['me', 'x', 'y', 'z'].map(hostId) as [HostId, HostId, HostId, HostId];
const HEARD = { boot: boot(4), incarnation: incarnation(2) };
let now = 0;
let m: Membership;
let prng = createPrng(1);

type Sent = { readonly to: HostId; readonly message: Message };

/** One step, and what of the probing it sent. */
function step(run: (turn: Turn) => void = () => undefined): readonly Sent[] {
  const out: Effect[] = [];
  const turn: Turn = { now: instant(now), config: LAN, self: me, boot: boot(3), prng, out };
  run(turn);
  wakeMembership(m, turn, { inventoryVersion: 0, epoch: epoch(1), recordsHash: 0 });
  return out.flatMap((effect) =>
    effect.kind === 'send' && effect.message.kind.startsWith('probe')
      ? [{ to: effect.to, message: effect.message }]
      : [],
  );
}

beforeEach(() => {
  now = 0;
  m = createMembership();
  prng = createPrng(1);
  step((turn) => setMembers(m, turn, [x, y, z]));
  for (const host of [x, y, z]) step((turn) => noteHeard(m, turn, host));
});

const ask = (nonce: number, about = x): readonly Sent[] =>
  step((turn) => onProbeFor(m, turn, y, { kind: 'probeFor', nonce, about }));
const nonceOf = (sent: readonly Sent[]): number => {
  const [first] = sent;
  if (first?.message.kind !== 'probe') throw new Error(`no probe: ${JSON.stringify(sent)}`);
  return first.message.nonce;
};
const answers = (from: HostId, nonce: number): readonly Sent[] =>
  step((turn) => onProbeAck(m, turn, from, { kind: 'probeAck', nonce, ...HEARD }));

describe('a helper', () => {
  it('looks, and passes on what the subject says of itself, once', () => {
    const nonce = nonceOf(ask(7));
    now = 30;
    expect(answers(x, nonce)).toEqual([
      { to: y, message: { kind: 'probeForAck', nonce: 7, about: x, heard: HEARD } },
    ]);
    expect(answers(x, nonce)).toEqual([]);
    now = 400;
    expect(step()).toEqual([]);
  });

  it('says that it heard nothing when four fifths of a probe are over, and wakes for it', () => {
    ask(7);
    now = 319;
    expect(step()).toEqual([]);
    m.beatAt = instant(10_000);
    expect(membershipDeadline(m, LAN)).toBe(320);
    now = 320;
    expect(step()).toEqual([{ to: y, message: { kind: 'probeForAck', nonce: 7, about: x } }]);
    now = 400;
    expect(step()).toEqual([]);
  });

  it('is not answered by anybody but the subject', () => {
    expect(answers(z, nonceOf(ask(7)))).toEqual([]);
  });

  it('answers for itself', () => {
    const heard = { boot: 3, incarnation: 0 };
    expect(ask(7, me)).toEqual([
      { to: y, message: { kind: 'probeForAck', nonce: 7, about: me, heard } },
    ]);
  });

  it('does nothing about a stranger', () => {
    expect(ask(7, hostId('stranger'))).toEqual([]);
  });

  it('says so at once when it has too much to do', () => {
    for (let i = 0; i < FAVORS_MAX; i++) ask(i);
    expect(ask(777)).toEqual([{ to: y, message: { kind: 'probeForAck', nonce: 777, about: x } }]);
  });
});

describe('whoever asks', () => {
  /** The nonce of our probe of x, which y and z are asked to repeat. */
  const doubt = (): number => {
    const sent = step((turn) => onPeerDisconnected(m, turn, x));
    expect(sent.map(({ to, message }) => `${message.kind} ${to}`).toSorted()).toEqual([
      'probe x',
      'probeFor y',
      'probeFor z',
    ]);
    return nonceOf(sent);
  };
  const told = (from: HostId, nonce: number, heard?: typeof HEARD): readonly Sent[] => {
    const said = heard === undefined ? {} : { heard };
    return step((turn) =>
      onProbeForAck(m, turn, from, { kind: 'probeForAck', nonce, about: x, ...said }),
    );
  };
  const others = (): void => {
    for (const host of [y, z]) step((turn) => noteHeard(m, turn, host));
  };
  const fails = (): void => {
    for (const at of [200, 400]) {
      now = at;
      others();
    }
  };

  it('believes what the subject said of itself', () => {
    told(y, doubt(), HEARD);
    fails();
    expect(healthOf(m, x)).toBe('alive');
    expect(m.members.get(x)).toMatchObject(HEARD);
  });

  it('does not believe an answer to another question', () => {
    told(y, doubt() + 1, HEARD);
    fails();
    expect(healthOf(m, x)).toBe('suspect');
  });

  it.each([
    [[], 2, 'two were asked, heard since, and have not answered'],
    [[y], 1, 'one of them has'],
    [[y, z], 0, 'both have: they heard nothing either'],
  ])('when %j say they heard nothing trusts its ears less by %i: %s', (nackers, score) => {
    const nonce = doubt();
    for (const helper of nackers) told(helper, nonce);
    fails();
    expect(healthOf(m, x)).toBe('suspect');
    expect(m.localHealth.score).toBe(score);
  });

  it('does not blame itself for a helper that it doubts as well', () => {
    doubt();
    step((turn) => onPeerDisconnected(m, turn, y));
    step((turn) => onPeerDisconnected(m, turn, z));
    for (const at of [200, 400]) {
      now = at;
      step();
    }
    expect(healthOf(m, x)).toBe('suspect');
    expect(m.localHealth.score).toBe(0);
  });
});
