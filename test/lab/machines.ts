/**
 * A cluster on the machines of the lab, for tests that break it. What they believe is asked of the
 * agents by `agentctl`; what is true is asked of each machine's own engine.
 */
import { onTestFinished } from 'vitest';
import { healAll, power } from '../../node/local/lab/faults.ts';
import type { Ran } from '../../node/local/lab/engine.ts';
import {
  containerOf,
  execIn,
  isUp,
  type Lab,
  openLab,
  up,
  until,
} from '../../node/local/lab/lab.ts';
import type { StatusBody } from '../../node/http/api.ts';
import type { ClusterView, HostView } from '../../protocol/view/view.ts';

/** `npm run lab:full`: every way to fail, for as long as it takes. */
export const IS_FULL = process.env['MILLRACE_LAB'] === 'full';
/** What all of them may take on a machine that has other things to do. */
export const STEP_MS = 60_000;
/** Voters follow the hosts at once, and who joins in vain soon says so: no test waits a minute. */
const SETTINGS = 'roster_stable_s: 2\\njoin_timeout_s: 10\\n';
/** All that an agent and its instances leave on a machine, and the rules of earlier faults. */
const WIPE = [
  'systemctl stop agentd',
  'docker ps -aq --filter label=used-by=millrace | xargs -r docker unpause >/dev/null 2>&1',
  'docker ps -aq --filter label=used-by=millrace | xargs -r docker rm -fv >/dev/null',
  'find /var/lib/millrace -mindepth 1 -delete',
  `printf '${SETTINGS}' >/etc/millrace/agent.yaml`,
  'systemctl start agentd',
].join('; ');

export type Container = {
  readonly machine: string;
  readonly id: string;
  /** `STACK.COMPONENT.SLOT`. */
  readonly instance: string;
};

/** Booted machines with agents that belong to no cluster. */
export async function blankLab(): Promise<Lab> {
  const lab = await openLab();
  if (!(await isUp(lab))) await up(lab, (line) => console.error(line));
  await wipe(lab);
  afterTest(lab);
  return lab;
}

/** Their agents begin anew, and belong to no cluster. */
export async function wipe(lab: Lab): Promise<void> {
  await healAll(lab);
  await Promise.all(namesOf(lab).map((name) => powerIfOff(lab, name)));
  await Promise.all(
    namesOf(lab).map(async (name) => {
      const { code, stderr } = await execIn(lab, name, ['sh', '-c', WIPE]);
      if (code !== 0) throw new Error(`${name} cannot be wiped: ${stderr}`);
    }),
  );
  await Promise.all(namesOf(lab).map((name) => agentAnswers(lab, name)));
}

function afterTest(lab: Lab): void {
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') await showLogs(lab);
    await healAll(lab);
  });
}

async function isWhole(lab: Lab): Promise<boolean> {
  const names = namesOf(lab);
  const views = await Promise.all(
    names.map((name) => viewOf(lab, name).catch(() => undefined)), // no power
  );
  const isWell = (view: ClusterView | undefined): boolean =>
    view?.quorum === true &&
    view.hosts.length === names.length &&
    view.agree === names.length - 1 &&
    view.roster.voters.length === 3 &&
    view.roster.next === undefined;
  return views.every(isWell);
}

async function destroyAll(lab: Lab): Promise<void> {
  const [first = ''] = namesOf(lab);
  for (const { name } of (await viewOf(lab, first))?.stacks ?? [])
    await said(lab, first, 'destroy', name, '--yes');
  await runOnce(lab, namesOf(lab), []);
}

/**
 * Five hosts of one cluster that agree, three of them voters, and nothing deployed. The cluster of the
 * test before serves where it came through whole, with all that it has lived through.
 */
export async function formedLab(): Promise<Lab> {
  const found = await openLab();
  if ((await isUp(found)) && (await isWhole(found))) {
    await destroyAll(found);
    afterTest(found);
    return found;
  }
  return newLab();
}

/** The same, of a cluster that has lived through nothing. */
export async function newLab(): Promise<Lab> {
  const lab = await blankLab();
  const [first = '', ...others] = namesOf(lab);
  const token = await initCluster(lab, first);
  await Promise.all(others.map((name) => said(lab, name, 'cluster', 'join', token)));
  await allAgree(lab, namesOf(lab));
  await until('three voters', STEP_MS, async () => {
    const { voters = [], next } = (await viewOf(lab, first))?.roster ?? {};
    return voters.length === 3 && next === undefined ? true : undefined;
  });
  return lab;
}

export const namesOf = ({ plan }: Lab): readonly string[] => plan.machines.map(({ name }) => name);

async function powerIfOff(lab: Lab, name: string): Promise<void> {
  const { State } = await containerOf(lab, name).inspect();
  if (!State.Running) await power(lab, name);
}

export async function agentAnswers(lab: Lab, name: string): Promise<void> {
  await until(`the agent of ${name} to answer`, STEP_MS, async () => {
    const { code } = await execIn(lab, name, ['test', '-S', '/run/millrace/agent.sock']);
    return code === 0 ? true : undefined;
  });
}

/** `agentctl` on that machine. */
export const agentctl = (lab: Lab, name: string, ...words: readonly string[]): Promise<Ran> =>
  execIn(lab, name, ['agentctl', ...words]);

/** The same, of a command that has to succeed. */
export async function said(lab: Lab, name: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await agentctl(lab, name, ...words);
  if (code === 0) return stdout;
  throw new Error(`${name}: agentctl ${words.join(' ')} ended with ${code}: ${stderr}`);
}

/** The token that the others join with. */
export async function initCluster(lab: Lab, name: string): Promise<string> {
  const token = (await said(lab, name, 'cluster', 'init')).trim().split(' ').at(-1);
  if (token === undefined) throw new Error(`${name} printed no token`);
  return token;
}

/** What one agent believes; undefined while it cannot tell. */
export async function viewOf(lab: Lab, name: string): Promise<ClusterView | undefined> {
  const { code, stdout } = await agentctl(lab, name, 'status', '--json');
  if (code !== 0) return undefined;
  return (JSON.parse(stdout) as StatusBody).data.cluster;
}

/** What `asked` believes of `name`. */
export async function beliefOf(
  lab: Lab,
  asked: string,
  name: string,
): Promise<HostView['state'] | undefined> {
  const view = await viewOf(lab, asked);
  return view?.hosts.find((host) => host.name === name)?.state;
}

/** Waits until each of them sees all others of them alive, and all know the same. */
export async function allAgree(lab: Lab, names: readonly string[], limitMs = STEP_MS) {
  await Promise.all(
    names.map((name) =>
      until(`${name} to agree with all others`, limitMs, async () => {
        const view = await viewOf(lab, name);
        const alive = view?.hosts.filter(({ state }) => state === 'alive').map((host) => host.name);
        const whole = names.every((one) => alive?.includes(one));
        return whole && view?.quorum === true && view.agree >= names.length - 1 ? true : undefined;
      }),
    ),
  );
}

/** Has a Compose file deployed through that machine, and waits until all of it is healthy. */
export async function deploy(lab: Lab, name: string, compose: string, ...flags: string[]) {
  return execIn(lab, name, [
    'sh',
    '-c',
    'printf %s "$1" >/root/compose.yaml; shift; exec agentctl deploy -f /root/compose.yaml "$@"',
    'deploy',
    compose,
    ...flags,
  ]);
}

/** A stack `demo` of one component `web` that does nothing, for ever. */
export function webOf(replicas: number, contract = '{}', version = 0): string {
  return `name: demo
services:
  web:
    image: millrace/busybox:test
    command: [sleep, '1000000']
    environment: { VERSION: '${version}' }
    stop_grace_period: 1s
    deploy: { replicas: ${replicas} }
    x-millrace: ${contract}
`;
}

/** Every running container of ours, as the engines of these machines list them. */
export async function containersOn(
  lab: Lab,
  names: readonly string[],
): Promise<readonly Container[]> {
  const label = (name: string): string => `{{.Label "io.millrace.${name}"}}`;
  const format = `{{.ID}} ${label('component')}.${label('slot')}`;
  const filters = ['--filter', 'label=used-by=millrace', '--filter', 'status=running'];
  const lists = await Promise.all(
    names.map(async (machine) => {
      const words = ['docker', 'ps', '--no-trunc', ...filters, '--format', format];
      const { stdout } = await execIn(lab, machine, words);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [id = '', instance = ''] = line.split(' ');
          return { machine, id, instance };
        });
    }),
  );
  return lists.flat();
}

/** Waits until exactly these instances run on these machines, each once. */
export async function runOnce(
  lab: Lab,
  names: readonly string[],
  instances: readonly string[],
  limitMs = STEP_MS,
): Promise<readonly Container[]> {
  const wanted = instances.toSorted().join(' ');
  let seen = '';
  try {
    return await until(`${wanted}, each once, on ${names.join(' ')}`, limitMs, async () => {
      const found = await containersOn(lab, names);
      seen = found.map(({ instance, machine }) => `${instance} on ${machine}`).join(', ');
      const running = found.map(({ instance }) => instance).toSorted();
      return running.join(' ') === wanted ? found : undefined;
    });
  } catch (error) {
    throw new Error(`there ran ${seen || 'nothing'}`, { cause: error });
  }
}

export const slots = (component: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${component}.${i + 1}`);

/** The machines whose agents vote, and the others. */
export async function votersOf(lab: Lab, asked: string) {
  const hosts = (await viewOf(lab, asked))?.hosts ?? [];
  const named = (voter: boolean): readonly string[] =>
    hosts.filter((host) => host.voter === voter).map(({ name }) => name);
  return { voters: named(true), others: named(false) };
}

/** The machine whose agent leads the component. */
export async function leaderOf(lab: Lab, asked: string, component: string): Promise<string> {
  return until(`a leader of ${component}`, STEP_MS, async () => {
    const view = await viewOf(lab, asked);
    const components = view?.stacks.flatMap((stack) => stack.components) ?? [];
    const leader = components.find(({ id }) => id === component)?.leader?.host;
    return view?.hosts.find(({ id }) => id === leader)?.name;
  });
}

/** A script that has to succeed on that machine; what it printed. */
export async function done(lab: Lab, name: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await execIn(lab, name, ['sh', '-ec', script]);
  if (code !== 0) throw new Error(`${name}: ${script}: ${stderr}`);
  return stdout;
}

/** What another host joins with. */
export const tokenOf = async (lab: Lab, asked: string): Promise<string> =>
  /mr1\.\S+/.exec(await said(lab, asked, 'cluster', 'show'))?.[0] ?? '';

/** Beside the host of that name that is gone for good there is one that lives, and everybody else does. */
export async function renewed(lab: Lab, asked: string, name: string): Promise<void> {
  await until(`another ${name} to live`, STEP_MS, async () => {
    const hosts = (await viewOf(lab, asked))?.hosts ?? [];
    const alive = hosts.filter(({ state }) => state === 'alive').map((host) => host.name);
    return alive.includes(name) && alive.length === namesOf(lab).length ? true : undefined;
  });
}

async function showLogs(lab: Lab): Promise<void> {
  for (const name of namesOf(lab)) {
    try {
      const words = ['journalctl', '--no-pager', '-n', '25', '-o', 'cat', '-u', 'agentd'];
      console.error(`--- ${name}\n${(await execIn(lab, name, words)).stdout}`);
    } catch (error) {
      console.error(`--- ${name}: ${String(error)}`);
    }
  }
}
