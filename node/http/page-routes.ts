/** What an instance tells of itself, wherever it runs. */
import type { Hono } from 'hono';
import { stackKey } from '../../protocol/base/ids.ts';
import type { Endpoint } from '../../protocol/component/spec.ts';
import { committedOf } from '../../protocol/record/committed.ts';
import type { Agent } from '../agent.ts';
import type { Daemon } from '../daemon.ts';
import type { Silence } from '../inspect/page.ts';
import { pageOn } from '../inspect/serve.ts';
import type { PageBody } from './api.ts';
import { agentOf } from './cluster-routes.ts';
import { instanceOf } from './instance-of.ts';
import { ApiRefusal } from './refusal.ts';

export function pageRoutes(app: Hono, daemon: Daemon): void {
  app.get('/v1/instances/:id/page', async (context) => {
    const agent = agentOf(daemon);
    const instance = instanceOf(agent, context.req.param('id'));
    const { id, engineId, host, state } = instance;
    const endpoint = endpointOf(agent, id.slice(0, id.lastIndexOf('.')));
    if (endpoint === undefined) throw noPage(id);
    if (engineId === undefined || state !== 'running') throw ApiRefusal.notRunning(instance);
    const page = await pageOn(agent, { host, engineId }, endpoint, context.req.raw.signal).catch(
      (error: unknown) => {
        throw hostSilent(id, host, error);
      },
    );
    if (page.kind === 'silent') throw silent(id, page);
    const body: PageBody = { schema: 'millrace/page/1', instance: id, host, text: page.text };
    return context.json(body);
  });
}

/** As its stack was deployed last; `component`: `STACK.COMPONENT`. */
export function endpointOf({ core }: Agent, component: string): Endpoint | undefined {
  const [stack = '', name] = component.split('.');
  const value = committedOf(core.committed, stackKey(stack))?.value;
  if (value?.kind !== 'stack') return undefined;
  return value.spec?.components.find((one) => one.name === name)?.inspect;
}

const noPage = (id: string): ApiRefusal =>
  new ApiRefusal(409, {
    code: 'no-page',
    what: `${id} tells nothing of itself`,
    why: 'its service has no x-millrace.inspect, which says on which port and page it does',
    next: `agentctl inspect ${id}      shows what the cluster knows of it`,
    exit: 4,
  });

const NEXT: Readonly<Partial<Record<Silence, string>>> = {
  'not-running': 'why',
  refused: 'logs',
  'broken-off': 'logs',
};

function silent(
  id: string,
  { code, why }: { readonly code: Silence; readonly why: string },
): ApiRefusal {
  const verb = NEXT[code];
  return new ApiRefusal(502, {
    code: `page-${code}`,
    what: `${id} did not tell of itself`,
    why,
    next:
      verb === undefined
        ? 'see which port and path x-millrace.inspect names, and what is there'
        : `agentctl ${verb} ${id}`,
    exit: code === 'not-running' ? 4 : 3,
  });
}

const hostSilent = (id: string, host: string, error: unknown): ApiRefusal =>
  new ApiRefusal(502, {
    code: 'page-host-silent',
    what: `${id} could not be asked`,
    why: `host ${host}: ${error instanceof Error ? error.message : String(error)}`,
    next: `agentctl host show ${host}`,
    exit: 3,
  });
