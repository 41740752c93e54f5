/** What the checkers of leases say of a schedule that breaks a rule, and of one that does not. */
import { expect, it } from 'vitest';
import { ballot, boot, type HostId } from '../../../protocol/base/ids.ts';
import { instant, seconds } from '../../../protocol/base/time.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { accept, acceptAck, changed, K, prepareAck, read } from './letters.ts';
import { coreOf, heard, keep, lead, leave, newStage, send, type Stage, take } from './stage.ts';

/** h1 counts on h2 for the key, and h2 has bound it so long to whom. */
function bind(stage: Stage, owner: string): void {
  lead(stage, 'h1', K, 7, 5000);
  const grant = { boot: coreOf(stage, 'h2').boot, count: 1, nonce: 1 };
  const { leases } = coreOf(stage, 'h1');
  leases?.holder.holds.get(K)?.accepted.set('h2' as HostId, grant);
  const own = leases?.links.byVoter.get('h2' as HostId)?.sessions.normal;
  if (own !== undefined) Object.assign(own, { grant, last: instant(stage.nowMs) });
  const session = {
    owner: owner as HostId,
    sid: boot(2),
    grant,
    expiresAt: instant(stage.nowMs + 3000),
  };
  const { voter } = coreOf(stage, 'h2').leases ?? {};
  const promise = { promised: ballot(7), by: undefined };
  voter?.places.set(K, { ...promise, binding: { ballot: ballot(7), session } });
}
/** What makes the checker look. */
const late = heard('h4', accept(1));

const WRONG: readonly (readonly [string, string, (stage: Stage) => void])[] = [
  [
    'S1',
    'two hosts lead at once',
    (stage) => {
      lead(stage, 'h1', K, 5, 1000);
      lead(stage, 'h2', K, 6, 1000);
    },
  ],
  [
    'S1',
    'a voter binds to another what a leader counts on',
    (stage) => {
      bind(stage, 'h4');
      take(stage, 'h2', late);
    },
  ],
  [
    'S1',
    "the session ends at the voter before it does at the leader's",
    (stage) => {
      bind(stage, 'h1');
      stage.nowMs += 2500;
      const { voter } = coreOf(stage, 'h2').leases ?? {};
      const session = voter?.places.get(K)?.binding?.session;
      if (session !== undefined) session.expiresAt = instant(stage.nowMs);
      take(stage, 'h2', late);
    },
  ],
  [
    'S2',
    'a record is read without a lease',
    (stage) => take(stage, 'h1', undefined, send('h2', read)),
  ],
  [
    'S2',
    'a record is read after the lease',
    (stage) => {
      lead(stage, 'h1', K, 7, 1000);
      stage.nowMs += 1001;
      take(stage, 'h1', undefined, send('h2', read));
    },
  ],
  [
    'S3',
    'a record is read under a term above its own',
    (stage) => {
      lead(stage, 'h1', K, 6, 1000);
      take(stage, 'h1', undefined, send('h2', read));
    },
  ],
  [
    'S3',
    'a term is not above the one before',
    (stage) => {
      for (const name of ['h1', 'h2']) {
        leave(stage, 'h3', send(name, acceptAck(7)));
        leave(stage, name, changed(stage, 'won', 7));
      }
    },
  ],
  [
    'S3',
    'a term was accepted by no quorum',
    (stage) => {
      leave(stage, 'h2', send('h1', acceptAck(7, false)));
      leave(stage, 'h1', changed(stage, 'won', 7));
    },
  ],
  [
    'S4',
    'two hosts go on with one ballot',
    (stage) => {
      for (const name of ['h1', 'h2']) {
        leave(stage, 'h3', send(name, prepareAck(7)));
        take(stage, name, undefined, send('h3', accept(7)));
      }
    },
  ],
  [
    'S4',
    'silence is taken for a promise',
    (stage) => {
      leave(stage, 'h2', send('h1', prepareAck(7, 'silent')));
      take(stage, 'h1', undefined, send('h2', accept(7)));
    },
  ],
  [
    'S5',
    'a promise falls',
    (stage) => {
      leave(stage, 'h2', send('h1', prepareAck(7)));
      leave(stage, 'h2', send('h3', prepareAck(6)));
    },
  ],
  [
    'S5',
    'the ceiling falls on a disk',
    (stage) =>
      keep(stage, 'h1', [
        { name: 'host', value: { boot: 2, ceiling: 5, maxTermMs: 3000, synced: true } },
      ]),
  ],
];

it.each(WRONG)('%s: %s', (rule, _what, happen) => {
  const stage = newStage();
  expect(stage.seen).toEqual([]);
  happen(stage);
  expect(stage.seen.map((text) => text.split(' ')[0])).toContain(rule);
});

it('says to whom a promise fell', () => {
  const stage = newStage();
  leave(stage, 'h2', send('h1', prepareAck(7)));
  leave(stage, 'h2', send('h3', prepareAck(6)));
  expect(stage.seen[0]).toContain('(prepareAck to h3), after 7');
});

const RIGHT: readonly (readonly [string, (stage: Stage) => void])[] = [
  [
    'one leads after the other',
    (stage) => {
      lead(stage, 'h1', K, 5, 1000);
      stage.nowMs += 1001;
      lead(stage, 'h2', K, 6, 1000);
      take(stage, 'h2', undefined, send('h3', { ...read, term: 6 } as Message));
    },
  ],
  [
    'a voter keeps its binding for as long as the leader counts on it',
    (stage) => {
      bind(stage, 'h1');
      take(stage, 'h2', late);
      stage.nowMs += seconds(3);
      take(stage, 'h2', late);
    },
  ],
  [
    'a key is won, read, and given up in one step',
    (stage) =>
      take(
        stage,
        'h1',
        undefined,
        changed(stage, 'won', 7),
        send('h2', read),
        changed(stage, 'ended', 7),
      ),
  ],
  [
    'a ballot is promised, accepted and led under',
    (stage) => {
      leave(stage, 'h2', send('h1', prepareAck(7)));
      take(stage, 'h1', undefined, send('h2', accept(7)));
      leave(stage, 'h2', send('h1', acceptAck(7)));
      leave(stage, 'h1', changed(stage, 'won', 7));
    },
  ],
];

it.each(RIGHT)('nothing, when %s', (_what, happen) => {
  const stage = newStage();
  happen(stage);
  expect(stage.seen).toEqual([]);
});
