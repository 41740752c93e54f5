/** Founding, joining and showing the cluster; ending the agent. */
import type { Hono } from 'hono';
import { z } from 'zod';
import { ROSTER_KEY } from '../../protocol/base/ids.ts';
import { committedOf } from '../../protocol/record/committed.ts';
import type { Agent } from '../agent.ts';
import type { Daemon } from '../daemon.ts';
import { formatToken, parseToken } from '../token.ts';
import type { ActionBody, ClusterBody } from './api.ts';
import { bodyOf } from './body.ts';
import { ApiRefusal } from './refusal.ts';

const JOIN = z.object({
  token: z.string().max(4096),
  peers: z.array(z.string().max(512)).max(100),
});

const STOP = z.object({ returns: z.boolean().optional() });

export function clusterRoutes(app: Hono, daemon: Daemon): void {
  app.get('/v1/cluster', (context) => context.json(clusterBody(daemon, agentOf(daemon))));
  app.post('/v1/cluster/init', async (context) =>
    context.json(clusterBody(daemon, await daemon.init())),
  );
  app.post('/v1/cluster/join', async (context) => {
    const { token, peers } = await bodyOf(context, JOIN);
    const credentials = parseToken(token);
    if (credentials === undefined) throw badToken();
    return context.json(clusterBody(daemon, await daemon.join(credentials, peers)));
  });
  app.post('/v1/agent/stop', async (context) => {
    const { returns = false } = await bodyOf(context, STOP);
    setImmediate(() => daemon.stop(returns ? 'restart' : 'stop'));
    const body: ActionBody = {
      done: returns
        ? 'the agent of this host stops; its instances run on'
        : 'the agent of this host stops; its instances run on, and other hosts take its slots over',
      next: 'agentctl agent start      adopts them again',
    };
    return context.json(body);
  });
}

/** The agent, or the refusal that says how to get one into a cluster. */
export function agentOf(daemon: Daemon): Agent {
  const agent = daemon.agent();
  if (agent === undefined) throw ApiRefusal.noCluster(daemon.former());
  return agent;
}

function clusterBody(daemon: Daemon, agent: Agent): ClusterBody {
  const credentials = daemon.credentials();
  const members = committedOf(agent.core.committed, ROSTER_KEY)?.value;
  const { host: id, name, peerId } = agent.core.identity;
  const listed = members?.kind === 'members' ? members.members : [{ id, name, peerId }];
  return {
    cluster: agent.core.identity.cluster,
    host: agent.host,
    name,
    token: credentials === undefined ? '' : formatToken(credentials),
    voters: agent.core.council.roster.voters,
    members: listed.map((member) => ({
      id: member.id,
      name: member.name,
      peer_id: member.peerId,
    })),
    service_type: agent.network.serviceType,
    addresses: agent.network.addresses(),
    counters: countersOf(agent),
  };
}

const countersOf = ({ core, network, speech }: Agent): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries({ ...network.counters(), ...speech.counters, strangers: core.strangers }).map(
      ([name, count]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), count],
    ),
  );

function badToken(): ApiRefusal {
  return new ApiRefusal(400, {
    code: 'bad-token',
    what: 'this is not a join token',
    why: 'it is not of the form mr1.CLUSTER.SECRET.CHECK, or was not copied whole',
    next: 'on a host of the cluster: agentctl cluster show',
    exit: 2,
  });
}
