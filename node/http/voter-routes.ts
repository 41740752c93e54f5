/** Disaster recovery: this host is made the only voter. */
import { randomInt } from 'node:crypto';
import type { Hono } from 'hono';
import type { CommandResult } from '../../protocol/effect.ts';
import { FORCE_IDS, showEpoch } from '../../protocol/roster/fork.ts';
import type { Daemon } from '../daemon.ts';
import type { ActionBody } from './api.ts';
import { agentOf } from './cluster-routes.ts';
import { ApiRefusal } from './refusal.ts';

export function voterRoutes(app: Hono, daemon: Daemon): void {
  app.post('/v1/cluster/voters/force', async (context) => {
    const agent = agentOf(daemon);
    const { name } = agent.core.identity;
    const result = await agent.command({ kind: 'forceVoters', forceId: randomInt(1, FORCE_IDS) });
    if (result.kind !== 'forced') throw notForced(name, result);
    // Everything it holds by the votes of before ends with its agent.
    await daemon.restart();
    const body: ActionBody = {
      done: `${name} is the only voter now, epoch ${showEpoch(result.epoch)}; it decides nothing for ${result.silentMs / 1000} s, then others get votes as hosts are there`,
      next: 'agentctl cluster voters show      then start the agents of the lost hosts, one at a time',
    };
    return context.json(body);
  });
}

function notForced(name: string, result: CommandResult): ApiRefusal {
  const { code, why } =
    result.kind === 'refused' ? result : { code: 'bug', why: `the agent answers ${result.kind}` };
  const what = `${name} is not the only voter: nothing was changed`;
  return new ApiRefusal(409, { code, what, why, next: NEXT[code] ?? WAIT, exit: 6 });
}

const WAIT = 'agentctl cluster voters show      tells which voters are missing';
const NEXT: Readonly<Record<string, string>> = {
  'voter-alive': 'agentctl cluster voters force      on the host that is named',
  'quorum-heard':
    'agentctl cluster voters show      while most voters are alive others are replaced by themselves; else try again in ten seconds',
};
