/** Taking hosts out of the cluster. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { HostId } from '../../protocol/base/ids.ts';
import type { Change } from '../../protocol/command/adjusts.ts';
import { LABEL_NAME, LABEL_VALUE } from '../../protocol/component/label.ts';
import type { CommandResult } from '../../protocol/effect.ts';
import { LABELS_MAX } from '../../protocol/limits.ts';
import { decode } from '../../protocol/wire/schema.ts';
import { hostId as hostSchema } from '../../protocol/wire/vocabulary.ts';
import type { Agent } from '../agent.ts';
import type { Daemon } from '../daemon.ts';
import type { ActionBody } from './api.ts';
import { bodyOf } from './body.ts';
import { agentOf } from './cluster-routes.ts';
import { ApiRefusal } from './refusal.ts';

const LABEL_FORM = 'a name is letters, digits, _ . - and /, a value at most 63 characters';
const LABEL = z.string().regex(LABEL_NAME, LABEL_FORM);
const LABELS = z.object({
  set: z.record(LABEL, z.string().regex(LABEL_VALUE, LABEL_FORM)),
  unset: z.array(LABEL).max(LABELS_MAX),
});
const AVAILABILITY = z.object({ to: z.enum(['active', 'cordoned', 'draining']) });

export function hostRoutes(app: Hono, daemon: Daemon): void {
  app.post('/v1/hosts/:id/forget', async (context) => {
    const agent = agentOf(daemon);
    const asked = decode(hostSchema, context.req.param('id'));
    if (!asked.ok) throw ApiRefusal.badRequest(`host: ${asked.error.message}`);
    const host = asked.value;
    const name = nameOf(agent, host);
    const result = await agent.command({ kind: 'forget', host });
    return context.json(forgotten(name, host, result));
  });
  app.post('/v1/hosts/:id/labels', async (context) => {
    const { set, unset } = await bodyOf(context, LABELS);
    const body = await adjust(daemon, context.req.param('id'), { kind: 'label', set, unset });
    return context.json(body);
  });
  app.post('/v1/hosts/:id/availability', async (context) => {
    const { to } = await bodyOf(context, AVAILABILITY);
    const body = await adjust(daemon, context.req.param('id'), { kind: 'availability', to });
    return context.json(body);
  });
  app.post('/v1/cluster/leave', async (context) => {
    const agent = agentOf(daemon);
    const result = await agent.command({ kind: 'leave' });
    return context.json(left(nameOf(agent, agent.host), result));
  });
}

async function adjust(daemon: Daemon, id: string, change: Change): Promise<ActionBody> {
  const agent = agentOf(daemon);
  const asked = decode(hostSchema, id);
  if (!asked.ok) throw ApiRefusal.badRequest(`host: ${asked.error.message}`);
  const host = asked.value;
  const name = nameOf(agent, host);
  const result = await agent.command({ kind: 'adjust', host, change });
  if (result.kind === 'adjusted') return adjusted(agent, host, change);
  if (result.kind === 'refused') {
    const { code, why } = result;
    if (code === 'no-such-host') throw ApiRefusal.noSuch('host', host);
    const what = `${name} stays as it is: nothing was changed`;
    throw new ApiRefusal(409, { code, what, why, next: NEXT_ADJUST[code] ?? WAIT, exit: 6 });
  }
  throw new ApiRefusal(504, {
    code: 'not-adjusted-yet',
    what: `${name} is not so yet`,
    why: result.kind === 'unknown' ? result.why : 'the agent gave no answer',
    next: 'agentctl host ls      shows how it is; the same command asks again',
    exit: 7,
  });
}

function adjusted(agent: Agent, host: HostId, change: Change): ActionBody {
  const name = nameOf(agent, host);
  if (change.kind === 'label') {
    const labels = Object.entries(agent.view().hosts.find(({ id }) => id === host)?.labels ?? {});
    const told = labels.map(([label, value]) => `${label}=${value}`).join(' ');
    return {
      done: told === '' ? `${name} has no labels` : `${name} has ${told}`,
      next: 'components that ask for it move by themselves; see: agentctl events',
    };
  }
  return { ...AVAILABLE[change.to](name) };
}

const AVAILABLE = {
  active: (name: string) => ({
    done: `${name} is given components again`,
    next: 'nothing moves back by itself; see: agentctl status',
  }),
  cordoned: (name: string) => ({
    done: `${name} is given nothing new; what it runs stays`,
    next: `agentctl host uncordon ${name}      takes it back`,
  }),
  draining: (name: string) => ({
    done: `${name} is drained: what it runs starts elsewhere first, then ends there`,
    next: `agentctl host uncordon ${name}      takes it back`,
  }),
} as const satisfies Record<
  Extract<Change, { readonly kind: 'availability' }>['to'],
  (name: string) => ActionBody
>;

function left(name: string, result: CommandResult): ActionBody {
  if (result.kind === 'leaving')
    return {
      done: `${name} leaves: what it runs goes to other hosts first, and its vote if it has one`,
      next: 'agentctl status      until this host belongs to no cluster',
    };
  if (result.kind === 'refused') {
    const { code, why } = result;
    const what = `${name} does not leave: nothing was changed`;
    throw new ApiRefusal(409, { code, what, why, next: NEXT_LEAVE[code] ?? WAIT, exit: 6 });
  }
  throw new ApiRefusal(504, {
    code: 'not-leaving-yet',
    what: `${name} has not said yet that it leaves`,
    why: result.kind === 'unknown' ? result.why : 'the agent gave no answer',
    next: 'the same command asks again',
    exit: 7,
  });
}

const nameOf = (agent: Agent, host: HostId): string =>
  agent.view().hosts.find(({ id }) => id === host)?.name ?? host;

function forgotten(name: string, host: HostId, result: CommandResult): ActionBody {
  if (result.kind === 'forgotten')
    return {
      done: `${name} is forgotten: it is no host of this cluster any more`,
      next: 'agentctl cluster show      has the line with which it can join again',
    };
  if (result.kind === 'refused') throw refused(name, host, result.code, result.why);
  throw new ApiRefusal(504, {
    code: 'not-forgotten-yet',
    what: `${name} is not forgotten yet`,
    why: result.kind === 'unknown' ? result.why : 'the agent gave no answer',
    next: 'agentctl host ls      shows it as long as it is there; the same command asks again',
    exit: 7,
  });
}

function refused(name: string, host: HostId, code: string, why: string): ApiRefusal {
  if (code === 'no-such-host') return ApiRefusal.noSuch('host', host);
  return new ApiRefusal(409, {
    code,
    what: `${name} was not forgotten: nothing was changed`,
    why,
    next: NEXT[code] ?? WAIT,
    exit: 6,
  });
}

const WAIT = 'try again later';

const NEXT: Readonly<Record<string, string>> = {
  'host-alive': 'agentctl cluster leave      on that host, if it is to go',
  'is-voter':
    'agentctl cluster show      has the line with which another host joins; it votes instead after a while',
  'no-quorum':
    'agentctl status      shows which voters are away; try again where most of them are heard',
};

const NEXT_ADJUST: Readonly<Record<string, string>> = {
  'no-quorum':
    'agentctl status      shows which voters are away; try again when most of them are heard',
  'too-many-labels': 'agentctl host label HOST NAME=      takes one away',
};

const NEXT_LEAVE: Readonly<Record<string, string>> = {
  'last-host': 'agentctl agent stop      ends the agent; what it runs runs on',
  'is-voter':
    'agentctl cluster show      has the line with which another host joins; then the same again',
  'no-quorum':
    'agentctl status      shows which voters are away; try again when most of them are heard',
};
