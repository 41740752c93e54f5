/** Deploying and destroying stacks; kill and restart of instances wherever they run. */
import type { Hono } from 'hono';
import { z } from 'zod';
import {
  type ComponentId,
  componentId,
  componentKey,
  type HostId,
} from '../../protocol/base/ids.ts';
import { revisionOf } from '../../protocol/component/digest.ts';
import type { StackSpec } from '../../protocol/component/spec.ts';
import { HOST_ENTRY } from '../../protocol/inventory/entry.ts';
import { entriesOf } from '../../protocol/inventory/inventories.ts';
import type { CommandResult } from '../../protocol/effect.ts';
import { committedOf } from '../../protocol/record/committed.ts';
import { showRevision } from '../../protocol/record/record.ts';
import type { InstanceView } from '../../protocol/view/view.ts';
import { decodeMessage } from '../../protocol/wire/decode.ts';
import type { Deploy } from '../../protocol/wire/message.ts';
import type { Agent } from '../agent.ts';
import type { Daemon } from '../daemon.ts';
import type { ActionBody, DeployBody, PlanBody } from './api.ts';
import { bodyOf } from './body.ts';
import { agentOf } from './cluster-routes.ts';
import { instanceOf } from './instance-of.ts';
import { act, type Act, ask } from './peer-requests.ts';
import { ApiRefusal } from './refusal.ts';
import { sealed } from './sealing.ts';
import type { Sealed } from '../secrets/sealing.ts';

/** What is in secrets is in no message of an error. */
const SECRETS = z.record(z.string().max(128), z.base64()).default({});
const DEPLOY = z.object({
  stack: z.looseObject({ name: z.string() }),
  deploy_id: z.string().min(1).max(64),
  secrets: SECRETS,
  // The core's own decoder knows what may be expected.
  expect: z.unknown().optional(),
});
const DESTROY = z.object({
  stack: z.string().max(63),
  deploy_id: z.string().min(1).max(64),
  expect: z.unknown().optional(),
});
const PLAN = z.object({ stack: z.looseObject({ name: z.string() }), secrets: SECRETS });
const KILL = z.object({ signal: z.string().regex(/^(SIG)?[A-Z0-9]{2,10}$/) });
const ACT_MS = 15_000;

export function stackRoutes(app: Hono, daemon: Daemon): void {
  app.post('/v1/deploy', async (context) => {
    const body = await bodyOf(context, DEPLOY);
    const deployId = body.deploy_id;
    const agent = agentOf(daemon);
    const { deploy, key } = sealedDeploy(daemon, { deployId, expect: body.expect }, body);
    const { spec } = deploy;
    const strict = spec.components.find(({ singleton }) => singleton === 'strict');
    if (strict !== undefined && !hasGuard(agent))
      throw ApiRefusal.noGuard(`${spec.name}.${strict.name}`);
    if (key !== undefined) await agent.keyring.keep(key.id, key.bytes);
    const result = await agent.command({ ...deploy, at: new Date().toISOString() });
    return context.json(deployBody(deployId, result));
  });
  app.post('/v1/plan', async (context) => {
    const body = await bodyOf(context, PLAN);
    const { deploy } = sealedDeploy(daemon, { deployId: 'plan' }, body);
    return context.json(planBody(agentOf(daemon), deploy.spec));
  });
  app.post('/v1/destroy', async (context) => {
    const { stack, deploy_id: deployId, expect } = await bodyOf(context, DESTROY);
    const deploy = readDeploy({ deployId, stack, expect });
    const result = await agentOf(daemon).command({ ...deploy, kind: 'destroy' });
    return context.json(deployBody(deployId, result));
  });
  app.post('/v1/instances/:id/kill', async (context) => {
    const { signal } = await bodyOf(context, KILL);
    const agent = agentOf(daemon);
    const instance = instanceOf(agent, context.req.param('id'));
    const { engineId } = instance;
    if (engineId === undefined || instance.state !== 'running')
      throw ApiRefusal.notRunning(instance);
    await actOn(agent, instance.host, { kind: 'kill', engineId, signal });
    const body: ActionBody = {
      done: `sent ${signal} to ${instance.id} on ${nameOf(agent, instance.host)}`,
      next: `${afterKill(agent, instance)}; see: agentctl why ${instance.id}`,
    };
    return context.json(body);
  });
  app.post('/v1/instances/:id/restart', async (context) => {
    const agent = agentOf(daemon);
    const instance = instanceOf(agent, context.req.param('id'));
    const { id, host } = instance;
    if (hasEnded(agent, id)) throw ApiRefusal.ended(instance);
    const cut = id.lastIndexOf('.');
    const slot = Number(id.slice(cut + 1));
    await actOn(agent, host, { kind: 'restart', component: id.slice(0, cut), slot });
    const body: ActionBody = {
      done: `${id} on ${nameOf(agent, host)} is stopped and started again`,
      next: 'this does not count as a failure; see: agentctl status',
    };
    return context.json(body);
  });
}

function planBody(agent: Agent, spec: StackSpec): PlanBody {
  const { hosts } = agent.view();
  const nameIn = (id: HostId): string => hosts.find((host) => host.id === id)?.name ?? id;
  const specs = new Map(spec.components.map((one) => [componentId(spec.name, one.name), one]));
  const revisionIn = (id: ComponentId): string => {
    const made = specs.get(id);
    return made === undefined ? '' : revisionOf(made, spec);
  };
  const components = agent.foresee(spec).map(({ component, decisions }) => ({
    id: component,
    revision: revisionIn(component),
    decisions: decisions.map(({ kind, slot, host, text, rejected }) => ({
      kind,
      slot,
      ...(host === undefined ? {} : { host, host_name: nameIn(host) }),
      text,
      rejected: rejected.map(({ host: other, why }) => ({
        host: other,
        host_name: nameIn(other),
        why,
      })),
    })),
  }));
  return { components };
}

/** Nothing strict would ever run where nobody has a guard. */
const hasGuard = ({ core: { inventories } }: Agent): boolean =>
  [...inventories.byOwner.keys()].some((host) => {
    const facts = entriesOf(inventories, host).get(HOST_ENTRY);
    return facts?.kind === 'host' && facts.guard === true;
  });

type StackDeploy = Deploy & { readonly spec: StackSpec };

/** The secrets sealed before anything else is done with it. */
function sealedDeploy(
  daemon: Daemon,
  about: { readonly deployId: string; readonly expect?: unknown },
  { stack: given, secrets }: z.infer<typeof PLAN>,
): Pick<Sealed, 'key'> & { readonly deploy: StackDeploy } {
  const read = readDeploy({ ...about, stack: given.name, spec: given });
  if (read.spec === undefined) throw ApiRefusal.badRequest('it names no stack');
  const { stack: spec, key } = sealed(daemon, agentOf(daemon), read.spec, secrets);
  const deploy = { ...readDeploy({ ...about, stack: spec.name, spec }), spec };
  return key === undefined ? { deploy } : { deploy, key };
}

/** What no voter would decode must not become a key that this host campaigns for. */
function readDeploy(given: object): Deploy {
  const decoded = decodeMessage({ kind: 'deploy', ...given });
  if (!decoded.ok) throw ApiRefusal.badRequest(`${decoded.error.path}: ${decoded.error.message}`);
  if (decoded.value.kind !== 'deploy') throw ApiRefusal.badRequest('it is no deploy');
  return decoded.value;
}

/** A slot of a job whose run is over. */
const hasEnded = (agent: Agent, id: string): boolean =>
  agent
    .view()
    .stacks.some(({ components }) =>
      components.some(({ slots }) =>
        slots.some(({ instance, ended }) => instance?.id === id && ended !== undefined),
      ),
    );

/** What its host does if the signal ends it: as its restart policy and its history say. */
function afterKill({ core }: Agent, { id, crashLoop }: InstanceView): string {
  const component = id.slice(0, id.lastIndexOf('.')) as ComponentId;
  const record = committedOf(core.committed, componentKey(component))?.value;
  const restart = record?.kind === 'component' ? record.spec.restart.kind : 'always';
  if (restart === 'no') return 'if it ends it stays ended: its restart policy is no';
  if (crashLoop) return 'if it ends its host restarts it within a minute: it is in a crash loop';
  return 'if it ends its host restarts it, at once if it was well for a minute';
}

const nameOf = (agent: Agent, host: HostId): string =>
  agent.view().hosts.find(({ id }) => id === host)?.name ?? host;

/** Here or on the host that runs it. */
async function actOn(agent: Agent, host: HostId, request: Act): Promise<void> {
  const there = host !== agent.host;
  const asked = there
    ? ask(agent, host, 'act', request, AbortSignal.timeout(ACT_MS))
    : act(agent, request);
  const result = await asked.catch((error: unknown) => {
    throw ApiRefusal.failedOn(nameOf(agent, host), error);
  });
  const kind = z.object({ kind: z.string() }).safeParse(result).data?.kind;
  if (kind === 'noSuchInstance') throw ApiRefusal.noSuch('such instance on', host);
}

/** The outcome of a deploy, or its refusal with the exit code it deserves (R7). */
function deployBody(deployId: string, result: CommandResult): DeployBody {
  if (result.kind === 'committed')
    return {
      deploy_id: deployId,
      revision: showRevision(result.revision),
      changed: result.changed,
    };
  if (result.kind === 'refused') throw refused(result.code, result.why);
  throw new ApiRefusal(504, {
    code: 'outcome-unknown',
    what: 'it is not known whether the deploy was committed',
    why: result.kind === 'unknown' ? result.why : 'the agent gave no answer',
    next: `ask again, it is never applied twice: the same command with --deploy-id ${deployId}`,
    exit: 7,
  });
}

const NEXT: Readonly<Record<string, string>> = {
  'too-large': 'split the stack into several',
  stale: 'look at what is there now, and expect its revision: agentctl status --json',
};
const NEXT_OF_ALL = 'try again when a majority of the voters is reachable; see: agentctl status';

function refused(code: string, why: string): ApiRefusal {
  if (code === 'no-such-stack')
    return new ApiRefusal(404, {
      code,
      what: 'there is nothing to destroy',
      why,
      next: 'agentctl status',
      exit: 4,
    });
  const next = NEXT[code] ?? NEXT_OF_ALL;
  return new ApiRefusal(409, { code, what: 'refused, nothing was changed', why, next, exit: 6 });
}
