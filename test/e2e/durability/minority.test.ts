/** In a minority a deploy is refused, and refused means: never applied, anywhere, ever. */
import { expect, test } from 'vitest';
import { type LocalAgent, signalAgent, until } from '../../../node/local/cluster.ts';
import {
  agentctl,
  composeFile,
  crash,
  deploy,
  everyoneAgrees,
  everyoneRuns,
  instanceLines,
  type RealCluster,
  restart,
  threeAgents,
  viewOf,
} from '../agents/cluster.ts';

const COMPONENTS = ['one', 'two'];
const BEFORE = { components: COMPONENTS, replicas: 2, version: 1 };
const AFTER = { components: [...COMPONENTS, 'three'], replicas: 1, version: 2 };
const INSTANCES = 4;
const NOTICE_MS = 10_000;

/** How two agents go away and come back. */
type Absence = {
  readonly leave: (agent: LocalAgent) => Promise<void>;
  readonly comeBack: (cluster: RealCluster, agent: LocalAgent) => Promise<void>;
};
const CRASHED: Absence = { leave: crash, comeBack: restart };
const STOPPED: Absence = {
  leave: async (agent) => signalAgent(agent, 'SIGSTOP'),
  comeBack: async (_, agent) => signalAgent(agent, 'SIGCONT'),
};

/** Of each component, by one agent: the digest of its spec as committed. */
async function specsSeenBy(agent: LocalAgent): Promise<Readonly<Record<string, string>>> {
  const view = await viewOf(agent);
  const components = view?.stacks.flatMap((stack) => stack.components) ?? [];
  return Object.fromEntries(components.map(({ id, revision }) => [id, revision]));
}

test.each([
  ['SIGSTOP', STOPPED],
  ['SIGKILL', CRASHED],
])(
  'agentctl deploy beside two agents gone by %s ends with 6 and changes nothing',
  async (_, absence) => {
    const cluster = await threeAgents();
    const [alone, ...others] = cluster.agents;
    if (alone === undefined) throw new Error('there are three agents');
    await deploy(alone, BEFORE);
    const instances = await everyoneRuns(cluster, INSTANCES);
    const specs = await specsSeenBy(alone);
    expect(Object.keys(specs).sort()).toEqual(['demo.one', 'demo.two']);

    await Promise.all(others.map(absence.leave));
    await until('the one left to know that it is a minority', NOTICE_MS, async () =>
      (await viewOf(alone))?.quorum === false ? true : undefined,
    );
    const file = composeFile(cluster, AFTER);
    const refused = await agentctl(alone, ['deploy', '-f', file, '--yes']);
    expect(refused).toMatchObject({ code: 6, stdout: '' });
    expect(refused.stderr).toMatch(/nothing was changed[\s\S]*majority[\s\S]*agentctl status/);
    const destroyed = await agentctl(alone, ['destroy', 'demo', '--yes']);
    expect(destroyed).toMatchObject({ code: 6, stdout: '' });
    expect(await instanceLines(cluster)).toEqual(instances);

    await Promise.all(others.map((agent) => absence.comeBack(cluster, agent)));
    await everyoneAgrees(cluster);
    expect(await everyoneRuns(cluster, INSTANCES)).toEqual(instances);
    for (const agent of cluster.agents) expect(await specsSeenBy(agent)).toEqual(specs);
    // And not because deploys have stopped working: the same file, now.
    const accepted = await agentctl(alone, ['deploy', '-f', file, '--yes', '--no-wait']);
    expect(accepted).toMatchObject({ code: 0 });
  },
);
