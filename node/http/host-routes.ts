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
  app.post('/v1/cluster/leave', async (context) => {
    const agent = agentOf(daemon);
    const result = await agent.command({ kind: 'leave' });
    return context.json(left(nameOf(agent, agent.host), result));
  });
}

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

const NEXT_LEAVE: Readonly<Record<string, string>> = {
  'last-host': 'agentctl agent stop      ends the agent; what it runs runs on',
  'is-voter':
    'agentctl cluster show      has the line with which another host joins; then the same again',
  'no-quorum':
    'agentctl status      shows which voters are away; try again when most of them are heard',
};
