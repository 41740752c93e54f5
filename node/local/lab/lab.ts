/**
 * The lab: real machines in containers, as `docker-compose.test.yml` describes them. What it makes
 * carries a label, so that it is found and removed however the run before ended.
 */
import type Docker from 'dockerode';
import { until as untilPolled } from '../cluster.ts';
import {
  engineAnswers,
  isMissing,
  LAB_LABEL,
  openEngine,
  type Ran,
  runIn,
  type RunOptions,
} from './engine.ts';
import { makeImage, removeImages, type Tell } from './image.ts';
import { type LabPlan, type Machine, readLabPlan } from './plan.ts';

const BOOT_MS = 60_000;
/** Each look is a program in a machine or five: shorter, and looking is most of what the processors do. */
const LOOK_MS = 250;

export type Lab = {
  readonly docker: Docker;
  readonly plan: LabPlan;
};

/** The lab in this engine, whether its machines are there or not. */
export async function openLab(): Promise<Lab> {
  const docker = openEngine();
  if (!(await engineAnswers(docker)))
    throw new Error(
      'no Docker Engine answers for the lab; set MILLRACE_DOCKER_SOCKET to the socket of one, ' +
        'or start one: scripts/engine.sh start DIR apart',
    );
  return { docker, plan: readLabPlan() };
}

export function machineOf({ plan }: Lab, name: string): Machine {
  const machine = plan.machines.find((one) => one.name === name);
  if (machine !== undefined) return machine;
  const names = plan.machines.map((one) => one.name).join(', ');
  throw new Error(`the lab has no machine ${name}; its machines are ${names}`);
}

export const containerOf = (lab: Lab, name: string): Docker.Container =>
  lab.docker.getContainer(machineOf(lab, name).container);

/** Runs a program in a machine, to its end. */
export const execIn = (
  lab: Lab,
  name: string,
  words: readonly string[],
  options?: RunOptions,
): Promise<Ran> => runIn(containerOf(lab, name), words, options);

/** What `up` needs, for the time when nobody waits for it. */
export const build = ({ docker, plan }: Lab, tell: Tell): Promise<void> =>
  makeImage(docker, plan, tell);

/** Fresh machines, all booted at once; what was there of an earlier lab is removed. */
export async function up(lab: Lab, tell: Tell): Promise<void> {
  const { docker, plan } = lab;
  await removeMachines(lab);
  await makeImage(docker, plan, tell);
  await docker.createNetwork({
    Name: plan.network,
    Driver: 'bridge',
    IPAM: { Driver: 'default', Config: [{ Subnet: plan.subnet }] },
    Labels: { [LAB_LABEL]: plan.project },
  });
  await Promise.all(plan.machines.map((machine) => createMachine(lab, machine)));
  await Promise.all(plan.machines.map(({ container }) => docker.getContainer(container).start()));
  await Promise.all(plan.machines.map(({ name }) => booted(lab, name)));
  await Promise.all(plan.machines.map(({ name }) => loadBusybox(lab, name)));
  tell(`${plan.machines.map(({ name }) => name).join(' ')} are up`);
}

/** Takes away all that the lab made; the base of the image only with `all`. */
export async function down(lab: Lab, all: boolean): Promise<void> {
  await removeMachines(lab);
  await removeImages(lab.docker, lab.plan, all);
}

/** Looks again until there is something to see; what never comes is an error that names it. */
export const until = <T>(
  what: string,
  limitMs: number,
  look: () => Promise<T | undefined>,
): Promise<T> => untilPolled(what, limitMs, look, LOOK_MS);

/** Resolves once the machine's engine answers, which systemd starts last. */
export async function booted(lab: Lab, name: string): Promise<void> {
  await until(`${name} to boot`, BOOT_MS, async () => {
    const { code } = await execIn(lab, name, ['docker', 'info']);
    return code === 0 ? true : undefined;
  });
}

async function createMachine(
  { docker, plan }: Lab,
  { container, settings, address }: Machine,
): Promise<void> {
  const volumes = settings.volumes.filter((volume) => !volume.includes(':'));
  await docker.createContainer({
    name: container,
    Image: settings.image,
    Hostname: settings.hostname,
    StopSignal: settings.stop_signal,
    Env: Object.entries(settings.environment).map(([key, value]) => `${key}=${value}`),
    Labels: { [LAB_LABEL]: plan.project },
    Volumes: Object.fromEntries(volumes.map((volume) => [volume, {}])),
    HostConfig: {
      CapAdd: settings.cap_add,
      CapDrop: settings.cap_drop,
      SecurityOpt: securityOf(settings.security_opt),
      Tmpfs: Object.fromEntries(settings.tmpfs.map((path) => [path, ''])),
      Binds: settings.volumes.filter((volume) => volume.includes(':')),
      ...unmasked(settings.security_opt, settings.cgroup),
    },
    NetworkingConfig: { EndpointsConfig: { [plan.network]: endpointOf(address) } },
  });
}

export const endpointOf = (address: string): Docker.EndpointSettings => ({
  IPAMConfig: { IPv4Address: address },
});

/** `systempaths=unconfined` is known to Docker's clients only: they send empty lists in its place. */
const UNCONFINED_PATHS = 'systempaths=unconfined';
const securityOf = (options: readonly string[]): string[] =>
  options.filter((option) => option !== UNCONFINED_PATHS);
/** With what the types of dockerode know as little as it. */
const unmasked = (options: readonly string[], CgroupnsMode: string): object =>
  options.includes(UNCONFINED_PATHS)
    ? { CgroupnsMode, MaskedPaths: [], ReadonlyPaths: [] }
    : { CgroupnsMode };

async function loadBusybox(lab: Lab, name: string): Promise<void> {
  const { code, stderr } = await execIn(lab, name, ['load-busybox']);
  if (code !== 0) throw new Error(`${name} cannot make the image of busybox: ${stderr}`);
}

/**
 * A guard that ends takes its strict instances with it. One that lost the others first would freeze
 * them, and what is frozen by a cgroup of version 1 does not die with the machine.
 */
const END_STRICT = ['systemctl', 'stop', 'agentd', 'agentd-guard'];

async function removeMachines({ docker, plan }: Lab): Promise<void> {
  const filters = { label: [`${LAB_LABEL}=${plan.project}`] };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.all(
    containers
      .filter(({ State }) => State === 'running')
      .map(({ Id }) => runIn(docker.getContainer(Id), END_STRICT)),
  );
  await Promise.all(
    containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })),
  );
  for (const { Id } of await docker.listNetworks({ filters })) await docker.getNetwork(Id).remove();
}

/** Whether all machines of the lab are there. */
export async function isUp({ docker, plan }: Lab): Promise<boolean> {
  try {
    const found = plan.machines.map(({ container }) => docker.getContainer(container).inspect());
    await Promise.all(found);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
