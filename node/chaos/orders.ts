/**
 * What agents tell each other to break, on behalf of a user. Orders pass where messages do not: they are
 * requests, which no fault befalls. Only a host whose settings allow it takes any.
 */
import { encode } from 'cborg';
import { z } from 'zod';
import { type HostId, hostId } from '../../protocol/base/ids.ts';
import type { Message } from '../../protocol/wire/message.ts';
import type { Agent } from '../agent.ts';
import { ask, CHAOS, readOf } from '../http/peer-requests.ts';
import type { Fault } from './interference.ts';

const WAY = z.enum(['in', 'out']);
const BREAKAGE = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('cut') }),
  z.object({ kind: z.literal('clog') }),
  z.object({
    kind: z.literal('lossy'),
    permille: z.int().min(0).max(1000),
    only: z.string().max(40).optional(),
  }),
]);
const ORDER = z.discriminatedUnion('kind', [
  /** Whether it would take orders. */
  z.object({ kind: z.literal('ask') }),
  z.object({
    kind: z.literal('break'),
    faults: z.array(z.object({ host: z.string().max(32), way: WAY, breakage: BREAKAGE })).max(1000),
    forMs: z.number().min(0),
  }),
  /** Its connections to these hosts break. */
  z.object({ kind: z.literal('reset'), hosts: z.array(z.string().max(32)).max(1000) }),
  z.object({ kind: z.literal('end') }),
]);
export type Order = z.infer<typeof ORDER>;
export type Answer = 'done' | 'forbidden';

const ANSWER = z.enum(['done', 'forbidden']);
/** How long one host may take to answer. */
const ORDER_MS = 2000;

export async function serveOrders(agent: Agent): Promise<void> {
  await agent.network.handle(CHAOS, async function* (from, request) {
    yield encode(await obey(agent, readOf(agent, from, request, ORDER)));
  });
}

/** Rejects where it cannot be asked. */
export async function order(agent: Agent, host: HostId, given: Order): Promise<Answer> {
  if (host === agent.host) return obey(agent, given);
  return ANSWER.parse(await ask(agent, host, CHAOS, given, AbortSignal.timeout(ORDER_MS)));
}

async function obey(agent: Agent, given: Order): Promise<Answer> {
  const { interference, settings, log, network, speech } = agent;
  if (!settings.allowChaos) return 'forbidden';
  switch (given.kind) {
    case 'ask':
      break;
    case 'break':
      log.warn({ topic: 'chaos', forMs: given.forMs, faults: given.faults }, 'faults begin');
      interference.begin(given.faults.map(faultOf), given.forMs);
      break;
    case 'reset':
      log.warn({ topic: 'chaos', hosts: given.hosts }, 'connections break');
      for (const host of given.hosts) {
        const peerId = speech.peerIdOf(hostId(host));
        if (peerId !== undefined) await network.disconnect(peerId);
      }
      break;
    case 'end':
      log.warn({ topic: 'chaos' }, 'all faults end');
      interference.end();
  }
  return 'done';
}

type FaultOrder = Extract<Order, { readonly kind: 'break' }>['faults'][number];

function faultOf({ host, way, breakage }: FaultOrder): Fault {
  const other = hostId(host);
  if (breakage.kind !== 'lossy') return { host: other, way, breakage };
  const { kind, permille, only } = breakage;
  const kinds = only === undefined ? {} : { only: only as Message['kind'] };
  return { host: other, way, breakage: { kind, permille, ...kinds } };
}
