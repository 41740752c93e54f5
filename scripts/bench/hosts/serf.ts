/** Serf (SWIM with Lifeguard): how long until every other host knows of one that was cut off. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { until } from '../../../node/local/cluster.ts';
import { connect, cut, type Lan, type Site } from './lan.ts';

const KNOWN_MS = 120_000;
const PORT = 7950;

export const hasSerf = (): boolean => spawnSync('serf', ['version']).status === 0;

export async function serfRounds(
  { sites }: Lan,
  rounds: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  /** By whom, of whom: what it said last, and when. */
  const said = new Map<string, { readonly event: string; readonly at: number }>();
  const agents = sites.map((site) => startAgent(site, sites, said));
  const others = (site: Site): readonly Site[] => sites.filter((each) => each !== site);
  const all = async (event: string, about: Site): Promise<number> =>
    until(`all to say ${event} of ${about.name}`, KNOWN_MS, () => {
      signal.throwIfAborted();
      const words = others(about).map((by) => said.get(`${by.name} ${about.name}`));
      const isSaid = words.every((word) => word?.event === event);
      return Promise.resolve(isSaid ? Math.max(...words.map((word) => word?.at ?? 0)) : undefined);
    });
  const values: number[] = [];
  try {
    for (const site of sites) await all('Join', site);
    for (let round = 0; round < rounds; round++) {
      const site = sites[round % sites.length];
      if (site === undefined) break;
      const from = performance.now();
      cut(site);
      values.push((await all('Failed', site)) - from);
      connect(site);
      await all('Join', site);
      for (const other of others(site))
        await until('the host that was cut off to know all others', KNOWN_MS, () =>
          Promise.resolve(said.get(`${site.name} ${other.name}`)?.event === 'Join' || undefined),
        );
    }
  } finally {
    for (const agent of agents) agent.kill('SIGKILL');
  }
  return values;
}

function startAgent(
  { name, address, netns }: Site,
  sites: readonly Site[],
  said: Map<string, { readonly event: string; readonly at: number }>,
): ChildProcess {
  const words = ['serf', 'agent', `-node=${name}`, `-bind=${address}:${PORT}`, '-profile=lan'];
  const peers = sites.map((site) => `-retry-join=${site.address}:${PORT}`);
  const agent = spawn('nsenter', [`--net=${netns}`, ...words, ...peers], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [agent.stdout, agent.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      const [, event, about] = line.match(/EventMember(\w+): (\S+)/) ?? [];
      if (event !== undefined) said.set(`${name} ${about}`, { event, at: performance.now() });
    });
  return agent;
}
