/** The model stands for the agent's own network: where both have the same figure it must be the same. */
import { expect, it } from 'vitest';
import { createLogger } from '../../../node/log.ts';
import { GOSSIP_MESH } from '../../../node/network/gossip.ts';
import { type Lane, NETWORK_LIMITS } from '../../../node/network/limits.ts';
import { createSpeech } from '../../../node/network/speech.ts';
import { clusterId, hostId } from '../../../protocol/base/ids.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { MESSAGE_KINDS } from '../../../sim/message-kinds.ts';
import { FRAMES_MAX, laneOf } from '../../../sim/network/lanes.ts';
import { MESH } from '../../../sim/network/mesh.ts';

it('the mesh has the degrees of the agent', () => {
  const { degree, degreeMin, degreeMax } = GOSSIP_MESH;
  expect(MESH).toMatchObject({ degree, degreeMin, degreeMax });
});

it('lanes hold as many frames', () => {
  const { urgent, bulk } = NETWORK_LIMITS.lanes;
  expect(FRAMES_MAX).toMatchObject({ urgent: urgent.framesMax, bulk: bulk.framesMax });
});

it('each kind of message goes in the lane in which the agent sends it', () => {
  const lanes: Lane[] = [];
  const speech = createSpeech({
    cluster: clusterId('c1'),
    log: createLogger({ level: 'silent' }),
    give: () => undefined,
    interference: { pass: (_way, _host, _kind, go) => go() },
  });
  speech.attach({ send: (_peer, lane) => lanes.push(lane), publish: () => undefined });
  speech.learn(hostId('h2'), 'p2');
  // Only the kind decides, so only the kind is there.
  for (const kind of MESSAGE_KINDS) speech.send(hostId('h2'), { kind } as Message);
  expect(lanes).toEqual(MESSAGE_KINDS.map(laneOf));
  expect(new Set(lanes).size).toBe(2);
});
