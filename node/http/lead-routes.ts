/** Letting another host lead a key: by its leader's own hand, or taken from it. */
import type { Hono } from 'hono';
import { z } from 'zod';
import { type HostId, hostId, type Key } from '../../protocol/base/ids.ts';
import type { CommandResult } from '../../protocol/effect.ts';
import { decode } from '../../protocol/wire/schema.ts';
import { key as keySchema } from '../../protocol/wire/vocabulary.ts';
import type { Agent } from '../agent.ts';
import type { Daemon } from '../daemon.ts';
import type { LeadBody } from './api.ts';
import { bodyOf } from './body.ts';
import { agentOf } from './cluster-routes.ts';
import { ApiRefusal } from './refusal.ts';

const LEAD = z.object({
  key: z.string().max(256),
  to: z.string().max(32).optional(),
  force: z.boolean(),
});

export function leadRoutes(app: Hono, daemon: Daemon): void {
  app.post('/v1/lead', async (context) => {
    const body = await bodyOf(context, LEAD);
    const agent = agentOf(daemon);
    const key = decode(keySchema, body.key);
    if (!key.ok) throw ApiRefusal.badRequest(`key: ${key.error.message}`);
    const to = body.to === undefined ? agent.host : hostId(body.to);
    const given = { kind: 'lead', key: key.value, to, force: body.force } as const;
    return context.json(leadBody(agent, key.value, to, await agent.command(given)));
  });
}

const nameOf = (agent: Agent, host: HostId): string =>
  agent.view().hosts.find(({ id }) => id === host)?.name ?? host;

function leadBody(agent: Agent, key: Key, to: HostId, result: CommandResult): LeadBody {
  if (result.kind === 'led') {
    const { host, term } = result;
    return { key, host, host_name: nameOf(agent, host), term };
  }
  if (result.kind === 'refused') throw refused(agent, key, to, result.code, result.why);
  throw new ApiRefusal(504, {
    code: 'not-led-yet',
    what: `${nameOf(agent, to)} does not lead ${key} yet`,
    why: result.kind === 'unknown' ? result.why : 'the agent gave no answer',
    next: 'agentctl status      shows who leads; the same command asks again',
    exit: 7,
  });
}

function refused(agent: Agent, key: Key, to: HostId, code: string, why: string): ApiRefusal {
  if (code === 'no-such-key') return ApiRefusal.noSuch('leader of', key);
  if (code === 'no-such-host') return ApiRefusal.noSuch('host', to);
  return new ApiRefusal(409, {
    code,
    what: `${nameOf(agent, to)} was not asked to lead ${key}: nothing was changed`,
    why,
    next: NEXT[code] ?? 'try again later',
    exit: 6,
  });
}

const NEXT: Readonly<Record<string, string>> = {
  'no-quorum':
    'agentctl status      shows which voters are away; try again where most of them are heard',
  'host-not-alive': 'agentctl host ls      and name a host that is alive',
};
