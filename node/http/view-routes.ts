/** What this agent knows: status, events, inspection. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Hono } from 'hono';
import { componentKey, type ComponentId, stackKey } from '../../protocol/base/ids.ts';
import { entriesOf } from '../../protocol/inventory/inventories.ts';
import { committedOf } from '../../protocol/record/committed.ts';
import type { ClusterView, ComponentView, InstanceView } from '../../protocol/view/view.ts';
import type { Agent } from '../agent.ts';
import type { Daemon } from '../daemon.ts';
import type { InspectBody, StatusBody, Viewed } from './api.ts';
import { agentOf } from './cluster-routes.ts';
import { type EventFilter, gatherEvents, journalOf, nameOf } from './peer-requests.ts';
import { endpointOf } from './page-routes.ts';
import { ApiRefusal } from './refusal.ts';

/** How far back `status` looks. */
const RECENT_MS = 5 * 60_000;
/** How often a followed stream looks for news; a second look is always given before it ends. */
const FOLLOW_MS = 500;
/** News are looked for this far back each time: a slow peer's entry is not missed. */
const FOLLOW_BACK_MS = 10_000;
/** Leaders asked why they cannot place a component; the others' notes stay as they are. */
const EXPLAINED_MAX = 8;
const EXPLAINED_BACK_MS = 24 * 3_600_000;

export function viewRoutes(app: Hono, daemon: Daemon): void {
  app.get('/v1/status', async (context) => {
    const agent = agentOf(daemon);
    const events = await gatherEvents(agent, { sinceMs: RECENT_MS });
    const cluster = await explained(agent, agent.view());
    const body: StatusBody = viewed('millrace/status/1', cluster, { cluster, events });
    return context.json(body);
  });
  app.get('/v1/events', (context) => {
    const agent = agentOf(daemon);
    const about = context.req.query('about');
    const sinceMs = Number(context.req.query('since_ms') ?? RECENT_MS);
    if (!Number.isFinite(sinceMs) || sinceMs < 0)
      throw ApiRefusal.badRequest('since_ms: not a number');
    const filter: EventFilter = about === undefined ? { sinceMs } : { sinceMs, about };
    const follow = context.req.query('follow') === '1';
    const lines = eventLines(agent, filter, follow, context.req.raw.signal);
    return new Response(ReadableStream.from(lines), {
      headers: { 'content-type': 'application/x-ndjson' },
    });
  });
  app.get('/v1/inspect', (context) => {
    const agent = agentOf(daemon);
    return context.json(inspect(agent, context.req.query('subject') ?? ''));
  });
}

/** Why a component has too few slots only its leader knows: its journal says so. */
async function explained(agent: Agent, cluster: ClusterView): Promise<ClusterView> {
  let left = EXPLAINED_MAX;
  const explain = async (component: ComponentView): Promise<ComponentView> => {
    const { wanted, slots, leader, id } = component;
    const missing = typeof wanted === 'number' ? slots.length < wanted : slots.length === 0;
    if (!missing || leader === undefined || leader.host === cluster.from || left-- <= 0)
      return component;
    const filter = { sinceMs: EXPLAINED_BACK_MS, about: id };
    const told = await journalOf(agent, leader.host, filter);
    const note = told.findLast(({ kind }) => kind === 'placement')?.text;
    return note === undefined ? component : { ...component, note };
  };
  const stacks = cluster.stacks.map(async (stack) => {
    return { ...stack, components: await Promise.all(stack.components.map(explain)) };
  });
  return { ...cluster, stacks: await Promise.all(stacks) };
}

function viewed<T>(schema: string, { from, ageMs, agree, peers }: ClusterView, data: T): Viewed<T> {
  const generated_at = new Date().toISOString();
  return { schema, generated_at, view: { from, age_ms: ageMs, agree, peers }, data };
}

async function* eventLines(
  agent: Agent,
  filter: EventFilter,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const told = new Set<string>();
  let window = filter.sinceMs;
  while (!signal.aborted) {
    const events = await gatherEvents(agent, { ...filter, sinceMs: window });
    const fresh = events.filter((event) => !told.has(nameOf(event)));
    for (const event of fresh) {
      told.add(nameOf(event));
      yield Buffer.from(`${JSON.stringify(event)}\n`);
    }
    if (told.size > 10_000) for (const name of [...told].slice(0, 5_000)) told.delete(name);
    if (!follow) return;
    window = FOLLOW_BACK_MS;
    await pause(FOLLOW_MS, undefined, { signal });
  }
}

function inspect(agent: Agent, subject: string): InspectBody {
  const cluster = agent.view();
  const schema = 'millrace/inspect/1';
  const instances = cluster.stacks.flatMap(({ components }) =>
    components.flatMap(({ slots }) => slots.flatMap(({ instance }) => instance ?? [])),
  );
  const host = cluster.hosts.find(({ id }) => id === subject);
  if (host !== undefined) {
    const record = Object.fromEntries(entriesOf(agent.core.inventories, host.id));
    const there = instances.filter((instance) => instance.host === host.id);
    return viewed(schema, cluster, { kind: 'host', record, instances: there });
  }
  const stack = committedOf(agent.core.committed, stackKey(subject));
  if (stack !== undefined) {
    const all = instances.filter(({ id }) => id.startsWith(`${subject}.`));
    return viewed(schema, cluster, { kind: 'stack', record: stack, instances: all });
  }
  const one = instances.find(({ id }) => id === subject);
  const component = one === undefined ? subject : subject.slice(0, subject.lastIndexOf('.'));
  const record = committedOf(agent.core.committed, componentKey(component as ComponentId));
  const all: readonly InstanceView[] =
    one === undefined ? instances.filter(({ id }) => id.startsWith(`${component}.`)) : [one];
  if (record === undefined && one === undefined)
    throw ApiRefusal.noSuch('stack, component, instance or host', subject);
  const kind = one === undefined ? 'component' : 'instance';
  const endpoint = endpointOf(agent, component);
  const where = endpoint === undefined ? {} : { endpoint };
  return viewed(schema, cluster, { kind, record, instances: all, ...where });
}
