/** What the agent tells the doctor: of its host as the user it runs as, and of the cluster. */
import type { Hono } from 'hono';
import { z } from 'zod';
import { VERSION } from '../config.ts';
import type { Daemon } from '../daemon.ts';
import type { AgentFacts } from '../doctor/facts.ts';
import { examineHost } from '../doctor/host.ts';
import { gatherCluster } from '../doctor/report.ts';
import { bodyOf } from './body.ts';

const ASKED = z.object({ net: z.boolean() });

export function doctorRoutes(app: Hono, daemon: Daemon): void {
  app.post('/v1/doctor', async (context) => {
    const { net } = await bodyOf(context, ASKED);
    const agent = daemon.agent();
    const { settings } = daemon;
    const [host, cluster] = await Promise.all([
      examineHost({ by: 'agent', settings, net, ...(agent === undefined ? {} : { agent }) }),
      agent === undefined ? undefined : gatherCluster(agent),
    ]);
    const { rss, heapUsed: heap } = process.memoryUsage();
    const told = { version: VERSION, pid: process.pid, memory: { rss, heap }, host };
    const body: AgentFacts = cluster === undefined ? told : { ...told, cluster };
    return context.json(body);
  });
}
