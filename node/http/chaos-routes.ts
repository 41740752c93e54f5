/** Faults on purpose: told to the hosts whose links they are on, refused unless all of them allow it. */
import type { Hono } from 'hono';
import { z } from 'zod';
import { type HostId, hostId } from '../../protocol/base/ids.ts';
import { compareText } from '../../protocol/base/order.ts';
import type { Agent } from '../agent.ts';
import { FAULT_MS_MAX } from '../chaos/interference.ts';
import { type Order, order } from '../chaos/orders.ts';
import type { Daemon } from '../daemon.ts';
import type { ChaosBody, ChaosRequest } from './api.ts';
import { bodyOf } from './body.ts';
import { agentOf } from './cluster-routes.ts';
import { ApiRefusal } from './refusal.ts';

const ID = z.string().max(32);
const WAYS = z.array(z.tuple([ID, ID])).max(100_000);
const PERIOD = z.number();
const REQUEST = z.discriminatedUnion('kind', [
  z.object({
    kind: z.enum(['cut', 'clog', 'lossy']),
    period: PERIOD,
    ways: WAYS,
    for_ms: z.number().min(0).max(FAULT_MS_MAX),
    permille: z.int().min(0).max(1000).optional(),
    only: z.string().max(40).optional(),
  }),
  z.object({ kind: z.literal('reset'), period: PERIOD, ways: WAYS }),
  z.object({ kind: z.literal('ask'), period: PERIOD.optional() }),
  z.object({ kind: z.literal('end') }),
]);

export function chaosRoutes(app: Hono, daemon: Daemon): void {
  app.post('/v1/chaos', async (context) => {
    const request = await bodyOf(context, REQUEST);
    const agent = agentOf(daemon);
    const begun = request.kind === 'end' ? undefined : request.period;
    if (begun !== undefined && begun !== agent.interference.period()) throw stopped();
    const orders = ordersFor(agent, request);
    const answers = await Promise.all(
      [...orders].map(async ([host, given]) => ({ host, answer: await tell(agent, host, given) })),
    );
    const named = (wanted: string): readonly string[] =>
      answers
        .flatMap(({ host, answer }) => (answer === wanted ? [nameOf(agent, host)] : []))
        .toSorted(compareText);
    const [forbidden, silent] = [named('forbidden'), named('silent')];
    if (forbidden.length > 0) throw notAllowed(forbidden);
    if (silent.length > 0 && request.kind !== 'end') throw notTold(silent);
    const period = agent.interference.period();
    const body: ChaosBody = { told: named('done'), silent, period };
    return context.json(body);
  });
}

/** Whoever does not answer ends its faults by itself. */
async function tell(agent: Agent, host: HostId, given: Order) {
  try {
    return await order(agent, host, given);
  } catch (error) {
    agent.log.debug({ host, error }, 'a host could not be told of faults');
    return 'silent';
  }
}

function ordersFor(agent: Agent, request: ChaosRequest): ReadonlyMap<HostId, Order> {
  // Who has begun asks only whether to go on.
  if (request.kind === 'ask' && request.period !== undefined)
    return new Map([[agent.host, { kind: 'ask' }]]);
  if (request.kind === 'ask' || request.kind === 'end') {
    const { kind } = request;
    const up = agent.view().hosts.filter(({ state }) => kind === 'end' || state === 'alive');
    return new Map(up.map(({ id }) => [id, { kind }]));
  }
  if (request.kind === 'reset')
    return new Map(
      [...Map.groupBy(request.ways, ([from]) => from)].map(([from, ways]) => [
        hostId(from),
        { kind: 'reset', hosts: ways.map(([, to]) => to) },
      ]),
    );
  return breaking(request);
}

type Breaking = Extract<ChaosRequest, { readonly for_ms: number }>;

/** Both ends of each way are told. */
function breaking({
  kind,
  permille = 0,
  only,
  ways,
  for_ms: forMs,
}: Breaking): ReadonlyMap<HostId, Order> {
  const breakage =
    kind === 'lossy' ? { kind, permille, ...(only === undefined ? {} : { only }) } : { kind };
  const ends = ways.flatMap(([from, to]) => [
    { at: from, fault: { host: to, way: 'out' as const, breakage } },
    { at: to, fault: { host: from, way: 'in' as const, breakage } },
  ]);
  return new Map(
    [...Map.groupBy(ends, ({ at }) => at)].map(([at, those]) => [
      hostId(at),
      { kind: 'break', faults: those.map(({ fault }) => fault), forMs },
    ]),
  );
}

const nameOf = (agent: Agent, host: HostId): string =>
  agent.view().hosts.find(({ id }) => id === host)?.name ?? host;

function notAllowed(names: readonly string[]): ApiRefusal {
  return new ApiRefusal(409, {
    code: 'chaos-not-allowed',
    what: `faults are not allowed in this cluster: nothing was begun on ${names.join(' ')}`,
    why: 'the settings of these hosts do not have allow_chaos: true',
    next: 'write allow_chaos: true into /etc/millrace/agent.yaml on every host and restart its agent',
    exit: 6,
  });
}

function stopped(): ApiRefusal {
  return new ApiRefusal(409, {
    code: 'chaos-stopped',
    what: 'the plan was stopped: nothing more of it is done',
    why: 'all faults were ended meanwhile: by agentctl chaos stop, by another plan that is over, or as this agent started anew',
    next: 'agentctl chaos run PLAN      begins it again',
    exit: 6,
  });
}

function notTold(names: readonly string[]): ApiRefusal {
  return new ApiRefusal(502, {
    code: 'chaos-not-told',
    what: `${names.join(' ')} could not be told of the fault`,
    why: 'these hosts did not answer; what others were told ends by itself',
    next: 'agentctl chaos stop      ends everything at once',
    exit: 1,
  });
}
