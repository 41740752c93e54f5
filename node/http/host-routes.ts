/** Taking hosts out of the cluster. */
import type { Hono } from 'hono';
import type { HostId } from '../../protocol/base/ids.ts';
import type { CommandResult } from '../../protocol/effect.ts';
import { decode } from '../../protocol/wire/schema.ts';
import { hostId as hostSchema } from '../../protocol/wire/vocabulary.ts';
import type { Agent } from '../agent.ts';
import type { Daemon } from '../daemon.ts';
import type { ActionBody } from './api.ts';
import { agentOf } from './cluster-routes.ts';
import { ApiRefusal } from './refusal.ts';

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
    next: NEXT[code] ?? 'try again later',
    exit: 6,
  });
}

const NEXT: Readonly<Record<string, string>> = {
  'host-alive': 'agentctl agent stop      on that host, if it is to go',
  'is-voter':
    'agentctl cluster show      has the line with which another host joins; it votes instead after a while',
  'no-quorum':
    'agentctl status      shows which voters are away; try again where most of them are heard',
};
