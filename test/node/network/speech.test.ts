import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { expect, it } from 'vitest';
import { createLogger } from '../../../node/log.ts';
import { encodeFrame } from '../../../node/network/codec.ts';
import { createSpeech } from '../../../node/network/speech.ts';
import { clusterId } from '../../../protocol/base/ids.ts';
import type { Input } from '../../../protocol/input.ts';
import { GOSSIP_BYTES_MAX } from '../../../protocol/limits.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { COMPONENT, many, VALID } from '../../protocol/wire/examples.ts';

const cluster = clusterId('c1');

function deployOf(chars: number): Uint8Array {
  const environment = Object.fromEntries(
    many(Math.ceil(chars / 1000), (i) => [`V${i}`, 'x'.repeat(1000)]),
  );
  const spec = { name: 'shop', components: [{ ...COMPONENT, environment }] };
  return encodeFrame(cluster, { kind: 'deploy', ...VALID.deploy, spec } as unknown as Message);
}

it('reads from the gossip only what may be said there, and longer frames', async () => {
  const heard: Input['kind'][] = [];
  const speech = createSpeech({
    cluster,
    log: createLogger({ level: 'silent' }),
    give: ({ kind }) => heard.push(kind),
    interference: { pass: (_way, _host, _kind, go) => go() },
  });
  const from = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString();
  const [short, long] = [deployOf(20_000), deployOf(40_000)];
  expect(long.byteLength).toBeGreaterThan(GOSSIP_BYTES_MAX);
  const said = { from, topic: '', lane: 'bulk' } as const;

  speech.onGossip({ ...said, bytes: short });
  speech.onGossip({ ...said, bytes: long });
  speech.onFrame({ ...said, bytes: long });

  expect(heard).toEqual(['gossipReceived', 'messageReceived']);
  expect(speech.counters.undecodable).toBe(1);
});
