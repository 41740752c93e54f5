/**
 * What befalls machines of the lab. Between machines by the packet filter of one of them, in a chain of
 * our own that `heal` empties; to a whole machine by the engine that holds it. Nothing here touches the
 * machine on which all this runs.
 */
import { isMissing } from './engine.ts';
import { booted, containerOf, endpointOf, execIn, type Lab, machineOf } from './lab.ts';

const CHAIN = 'LAB';
/** Of a processor, for a slowed machine and one that is not. */
const SLOW_CPUS = 0.1;
const CPU_PERIOD_US = 100_000;

/** The cable is pulled: the interface is gone. */
export const cut = (lab: Lab, name: string): Promise<void> =>
  lab.docker.getNetwork(lab.plan.network).disconnect({ Container: machineOf(lab, name).container });

/**
 * What a guard holds frozen in a cgroup of version 1 does not die with its machine: such a guard ends a
 * moment before it, and takes that along.
 */
const END_FROZEN = `grep -qs FROZEN /sys/fs/cgroup/freezer/millrace/*/*/freezer.state || exit 0
  systemctl kill --signal=TERM agentd-guard; sleep 0.5`;

/** The power fails: every process ends at once, the disk stays. */
export async function kill(lab: Lab, name: string): Promise<void> {
  await execIn(lab, name, ['sh', '-c', END_FROZEN]);
  await containerOf(lab, name).kill({ signal: 'SIGKILL' });
}

/** The power is back; resolves when the machine has booted. */
export async function power(lab: Lab, name: string): Promise<void> {
  await containerOf(lab, name).start();
  await booted(lab, name);
}

/** Every process of the machine stands still, containers and guard too. */
export const freeze = (lab: Lab, name: string): Promise<void> => containerOf(lab, name).pause();

/** The machine has a tenth of a processor. */
export const slow = (lab: Lab, name: string): Promise<void> =>
  containerOf(lab, name).update({
    CpuPeriod: CPU_PERIOD_US,
    CpuQuota: SLOW_CPUS * CPU_PERIOD_US,
  });

/** Of what goes in and out, each packet by itself is lost with this probability. */
export async function lose(lab: Lab, name: string, probability: number): Promise<void> {
  const chance = ['-m', 'statistic', '--mode', 'random', '--probability', String(probability)];
  for (const way of ['INPUT', 'OUTPUT']) await addRule(lab, name, way, chance);
}

/** What `from` sends does not reach `to`; the other way does. */
export async function oneWay(lab: Lab, from: string, to: string): Promise<void> {
  await addRule(lab, to, 'INPUT', ['-s', machineOf(lab, from).address]);
}

/** Ends every fault of a machine that is on: thaws it, plugs it in, empties the chain. */
export async function heal(lab: Lab, name: string): Promise<void> {
  const container = containerOf(lab, name);
  const { State, NetworkSettings, HostConfig } = await container.inspect();
  if (State.Paused) await container.unpause();
  if (HostConfig.CpuQuota !== undefined && HostConfig.CpuQuota > 0)
    await container.update({ CpuPeriod: CPU_PERIOD_US, CpuQuota: -1 });
  if (!(lab.plan.network in NetworkSettings.Networks))
    await lab.docker.getNetwork(lab.plan.network).connect({
      Container: machineOf(lab, name).container,
      EndpointConfig: endpointOf(machineOf(lab, name).address),
    });
  if (!State.Running) return;
  for (const way of ['INPUT', 'OUTPUT']) await execIn(lab, name, iptables('-F', chainOf(way)));
}

/** Heals all machines; those without power stay off. */
export async function healAll(lab: Lab): Promise<void> {
  await Promise.all(
    lab.plan.machines.map(({ name }) =>
      heal(lab, name).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      }),
    ),
  );
}

const chainOf = (way: string): string => `${CHAIN}-${way}`;

/** Waits for the lock of the tables, which the machine's own engine may hold. */
const iptables = (...words: readonly string[]): readonly string[] => ['iptables', '-w', ...words];

async function addRule(
  lab: Lab,
  name: string,
  way: string,
  match: readonly string[],
): Promise<void> {
  const chain = chainOf(way);
  // Both are there already for a second rule.
  await execIn(lab, name, iptables('-N', chain));
  const hook = [way, '-j', chain];
  if ((await execIn(lab, name, iptables('-C', ...hook))).code !== 0)
    await execIn(lab, name, iptables('-I', ...hook));
  const { code, stderr } = await execIn(
    lab,
    name,
    iptables('-A', chain, '!', way === 'INPUT' ? '-i' : '-o', 'lo', ...match, '-j', 'DROP'),
  );
  if (code !== 0) throw new Error(`${name} takes no rule: ${stderr.trim()}`);
}
