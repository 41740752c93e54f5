/** Hosts that are gone are forgotten; one that comes back all the same is told, and asks anew. */
import { describe, expect, it } from 'vitest';
import { type HostId, hostId, ROSTER_KEY } from '../../../protocol/base/ids.ts';
import { nextDeadline } from '../../../protocol/core.ts';
import { isOver } from '../../../protocol/core/dismissal.ts';
import { know } from '../../../protocol/core/know.ts';
import { committedOf } from '../../../protocol/record/committed.ts';
import { instant } from '../../../protocol/base/time.ts';
import { healthOf } from '../../../protocol/membership/membership.ts';
import { viewOf } from '../../../protocol/view/build.ts';
import {
  type Cluster,
  coreOf,
  deploy,
  divide,
  found,
  give,
  grown,
  hostOf,
  lose,
  newCluster,
  run,
  running,
  soon,
  stack,
  start,
} from './cluster.ts';

const NAMES = ['a', 'b', 'c', 'd'] as const;

/** Three of four vote. */
function shopping(): { readonly cluster: Cluster; readonly spare: string; readonly voter: string } {
  const cluster = grown('abcd');
  deploy(cluster, 'a', 'open', stack('shop', 'web:4'));
  soon(cluster, 5000, () => running(cluster).length === 4);
  run(cluster, 2000);
  const { voters } = coreOf(cluster, 'a').council.roster;
  const spare = NAMES.find((name) => !voters.includes(hostId(name))) ?? 'd';
  return { cluster, spare, voter: voters.find((id) => id !== 'a') ?? 'b' };
}

const ask = (cluster: Cluster, by: string, host: string): void =>
  give(cluster, hostOf(cluster, by), {
    kind: 'commandGiven',
    commandId: 'forget',
    command: { kind: 'forget', host: hostId(host) },
  });
const answers = (cluster: Cluster): readonly string[] =>
  cluster.lines.filter((line) => line.includes('answers forget'));
const membersAt = (cluster: Cluster, name: string): readonly HostId[] =>
  know(coreOf(cluster, name)).members.map(({ id }) => id);
const isBelieved = (cluster: Cluster, by: string, of: string, health: string): boolean =>
  healthOf(coreOf(cluster, by).membership, hostId(of)) === health;

function forgotten(): { readonly cluster: Cluster; readonly spare: string } {
  const { cluster, spare } = shopping();
  divide(cluster, NAMES.filter((name) => name !== spare).join(''), spare);
  soon(cluster, 10_000, () => isBelieved(cluster, 'a', spare, 'dead'));
  run(cluster, 2000);
  ask(cluster, 'a', spare);
  soon(cluster, 1000, () => answers(cluster).length > 0);
  return { cluster, spare };
}

describe('a user wants a host forgotten', () => {
  it.each([
    ['that is alive', false, 'host-alive'],
    ['that has a vote', true, 'is-voter'],
  ])('%s: refused, and nothing is changed', (_, isLost, code) => {
    const { cluster, voter } = shopping();
    if (isLost) {
      lose(cluster, voter);
      soon(cluster, 10_000, () => isBelieved(cluster, 'a', voter, 'dead'));
      run(cluster, 2000);
    }
    ask(cluster, 'a', voter);
    expect(answers(cluster)).toEqual([`a answers forget: refused ${code}`]);
    run(cluster, 3000);
    expect(membersAt(cluster, 'a')).toHaveLength(4);
  });

  it('that is none: refused', () => {
    const { cluster } = shopping();
    ask(cluster, 'a', 'z');
    expect(answers(cluster)).toEqual(['a answers forget: refused no-such-host']);
  });

  it('that is gone: it is a member no more, for anybody', () => {
    const { cluster, spare } = forgotten();
    expect(answers(cluster)).toEqual(['a answers forget: forgotten']);
    run(cluster, 3000);
    for (const name of NAMES.filter((each) => each !== spare)) {
      expect(membersAt(cluster, name)).not.toContain(spare);
      expect(coreOf(cluster, name).membership.members.has(hostId(spare))).toBe(false);
    }
  });
});

it.each([
  ['a stranger', 'stranger', false],
  ['a member', 'a', true],
])('told by %s that it is forgotten, a host believes it: %s, %s', (_who, from, isDismissed) => {
  const { cluster, spare } = shopping();
  const members = committedOf(coreOf(cluster, 'a').committed, ROSTER_KEY);
  if (members?.value.kind !== 'members') throw new Error('there is no list');
  const { revision, value } = members;
  const without = value.members.filter(({ id }) => id !== spare);
  const list = { ...members, revision: { ...revision, seq: revision.seq + 1 } };
  give(cluster, hostOf(cluster, spare), {
    kind: 'messageReceived',
    from: hostId(from),
    message: { kind: 'dismissed', members: { ...list, value: { ...value, members: without } } },
  });
  expect(know(coreOf(cluster, spare)).isDismissed).toBe(isDismissed);
});

describe('a host that was forgotten and is heard again', () => {
  it('is told, ends what it runs, and keeps nothing but what makes it the same host', () => {
    const { cluster, spare } = forgotten();
    const { boot } = coreOf(cluster, spare);
    expect(hostOf(cluster, spare).instances.size).toBe(1);
    divide(cluster);
    soon(cluster, 3000, () => isOver(coreOf(cluster, spare)));
    const { disk, instances } = hostOf(cluster, spare);
    const states = [...instances.values()].map(({ state }) => state);
    expect(states.filter((state) => state === 'running')).toEqual([]);
    const names = [...disk.keys()].filter((name) => /^(committed|record)\//.test(name));
    expect(names).toEqual([`committed/${ROSTER_KEY}`]);
    expect(disk.get('host')).toMatchObject({ boot, synced: false });
    expect(running(cluster)).toHaveLength(4);
  });

  it('sleeps until it is told something', () => {
    const { cluster, spare } = forgotten();
    divide(cluster);
    soon(cluster, 3000, () => isOver(coreOf(cluster, spare)));
    run(cluster, 1000);
    expect(nextDeadline(coreOf(cluster, spare))).toBeUndefined();
  });

  it('is no member until a user tells it to join, and then under a later start', () => {
    const { cluster, spare } = forgotten();
    const { boot } = coreOf(cluster, spare);
    divide(cluster);
    soon(cluster, 3000, () => isOver(coreOf(cluster, spare)));
    start(cluster, spare);
    run(cluster, 5000);
    expect(membersAt(cluster, 'a')).not.toContain(spare);
    start(cluster, spare, true);
    soon(cluster, 3000, () => membersAt(cluster, 'a').includes(hostId(spare)));
    soon(cluster, 3000, () => !know(coreOf(cluster, spare)).isDismissed);
    expect(coreOf(cluster, spare).boot).toBe(boot + 2);
    run(cluster, 3000);
    expect(NAMES.every((name) => membersAt(cluster, name).length === 4)).toBe(true);
    expect(coreOf(cluster, spare).cloned).toBe(false);
  });

  it('is not let in by what it asked for when it was new (F2)', () => {
    const { cluster, spare } = forgotten();
    divide(cluster);
    const { boot } = coreOf(cluster, spare);
    const join = {
      kind: 'join',
      host: hostId(spare),
      name: spare,
      peerId: `peer-${spare}`,
    } as const;
    for (const name of NAMES.filter((each) => each !== spare))
      give(cluster, hostOf(cluster, name), {
        kind: 'messageReceived',
        from: hostId(spare),
        message: { ...join, boot },
      });
    run(cluster, 3000);
    expect(membersAt(cluster, 'a')).not.toContain(spare);
  });
});

describe('a host leaves', () => {
  const leave = (cluster: Cluster, by: string): void =>
    give(cluster, hostOf(cluster, by), {
      kind: 'commandGiven',
      commandId: 'forget',
      command: { kind: 'leave' },
    });

  it('a voter: its slot is elsewhere and another votes before it is a member no more (F1)', () => {
    const { cluster, spare, voter } = shopping();
    leave(cluster, voter);
    soon(cluster, 1000, () => answers(cluster).length > 0);
    expect(answers(cluster)).toEqual([`${voter} answers forget: leaving`]);
    soon(cluster, 2000, () => {
      const { hosts } = viewOf(coreOf(cluster, spare), instant(cluster.now));
      return hosts.some(({ id, leaving }) => id === voter && leaving === true);
    });
    const isOut = (): boolean => !membersAt(cluster, spare).includes(hostId(voter));
    soon(cluster, 30_000, () => {
      const runs = running(cluster).some((line) => line.startsWith(`${voter} `));
      const { voters } = coreOf(cluster, spare).council.roster;
      if (isOut()) expect([runs, voters.includes(hostId(voter))]).toEqual([false, false]);
      return isOut();
    });
    expect(coreOf(cluster, spare).council.roster.voters).toContain(hostId(spare));
    soon(cluster, 3000, () => isOver(coreOf(cluster, voter)));
    expect(coreOf(cluster, voter).leases?.holder.holds.size).toBe(0);
    soon(cluster, 3000, () => running(cluster).length === 4);
  });

  it('that has the only vote to give: refused', () => {
    const cluster = grown('abc');
    leave(cluster, 'b');
    expect(answers(cluster)).toEqual(['b answers forget: refused is-voter']);
  });

  it('that is alone: refused', () => {
    const cluster = newCluster('a');
    found(cluster, 'a');
    run(cluster, 5000);
    leave(cluster, 'a');
    expect(answers(cluster)).toEqual(['a answers forget: refused last-host']);
  });

  it('nobody asks another host to leave by the name of forgetting it', () => {
    const { cluster, voter } = shopping();
    ask(cluster, voter, voter);
    expect(answers(cluster)).toEqual([`${voter} answers forget: refused host-alive`]);
    run(cluster, 3000);
    expect(know(coreOf(cluster, voter)).leaving.size).toBe(0);
  });
});
