/** Why a voter refused: only for another's live binding, or for more than that. */
import { expect, it } from 'vitest';
import { ballot, ROSTER_KEY } from '../../../protocol/base/ids.ts';
import type { AcceptAck } from '../../../protocol/wire/message.ts';
import { seeAcceptAck } from '../../../sim/coverage/leases.ts';
import type { Mark } from '../../../sim/coverage/marks.ts';
import { createObserver, lifeOf } from '../../../sim/coverage/observer.ts';
import type { Host } from '../../../sim/host.ts';
import { quiet } from '../../../sim/options.ts';
import { type Scene, simulate } from '../../../sim/run.ts';

/** What the host's voter would be seen to have refused, had `from` asked it. */
type Asked = { readonly from: Host; readonly above: number; readonly otherSession?: boolean };

function seen({ world, panel }: Scene, voter: Host, asked: Asked): readonly Mark[] {
  const { agent } = voter;
  const place = agent?.core.leases?.voter.places.get(ROSTER_KEY);
  const session = agent?.core.leases?.voter.sessions.normal.get(asked.from.id);
  if (agent === undefined || place === undefined || session === undefined)
    throw new Error(`${voter.id} votes for nobody`);
  const n = ballot(place.promised + asked.above);
  const count = session.grant.count + (asked.otherSession === true ? 1 : 0);
  const ack: AcceptAck = {
    kind: 'acceptAck',
    epoch: agent.core.council.roster.epoch,
    sid: session.sid,
    grant: { ...session.grant, count },
    items: [{ key: ROSTER_KEY, ballot: n, ok: false, hint: place.promised }],
  };
  const { epoch, sid, grant, items } = ack;
  const message = { kind: 'accept', epoch, sid, grant, items } as const;
  const observer = createObserver(world, panel);
  const input = { kind: 'messageReceived', from: asked.from.id, message } as const;
  const life = lifeOf(observer, voter, agent);
  const { now } = world.queue;
  seeAcceptAck(observer, { host: voter, agent, life, input, effects: [], now }, ack);
  return [...observer.seen];
}

it.each<readonly [string, Omit<Asked, 'from'>, 'leader' | 'rival', readonly Mark[]]>([
  ['a higher ballot of a rival', { above: 1 }, 'rival', ['overwrite-refused']],
  ['the promised ballot, which is not the rival’s', { above: 0 }, 'rival', []],
  ['a lower ballot of a rival', { above: -1 }, 'rival', []],
  ['a higher ballot of the owner itself', { above: 1 }, 'leader', []],
  [
    'a higher ballot under another session',
    { above: 1, otherSession: true },
    'rival',
    ['accept-without-session'],
  ],
])('%s', (_what, asked, who, marks) => {
  let found: readonly Mark[] | undefined;
  const look = (scene: Scene): undefined => {
    const [leader] = [...scene.panel.leases.keysOf].find(([, keys]) => keys.has(ROSTER_KEY)) ?? [];
    const [voter, rival] = scene.world.hosts.filter((host) => host !== leader);
    if (scene.atMs < 9000 || leader === undefined || voter === undefined || rival === undefined)
      return;
    found ??= seen(scene, voter, { ...asked, from: who === 'leader' ? leader : rival });
  };
  simulate({ ...quiet(7, 3, 10_000), voterCount: 3 }, { look, untilMs: 10_000 });
  expect(found).toEqual(marks);
});
