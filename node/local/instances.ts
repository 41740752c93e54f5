/**
 * Instances as someone outside the agents sees them: the kernel's process list or the Docker Engine's
 * container list, never what an agent says.
 */
import { readdirSync, readFileSync } from 'node:fs';
import Docker from 'dockerode';

export type LocalEngine =
  | { readonly kind: 'process' }
  | { readonly kind: 'docker'; readonly socket: string };

export type LocalInstance = {
  /** A pid, or a container id. */
  readonly id: string;
  readonly owner: { readonly cluster: string; readonly host: string };
  readonly component: string;
  readonly slot: number;
  /** Clock ticks since boot, or RFC 3339: differs for a new instance under an old pid. */
  readonly startedAt: string;
};

/** Every running instance of a cluster, or of one of its hosts. */
export async function runningInstances(
  engine: LocalEngine,
  owner: { readonly cluster: string; readonly host?: string },
): Promise<readonly LocalInstance[]> {
  const all = engine.kind === 'process' ? processes() : await containers(engine.socket);
  return all.filter(
    (found) =>
      found.owner.cluster === owner.cluster &&
      (owner.host === undefined || found.owner.host === owner.host),
  );
}

/** As a crash of the machine would: SIGKILL, nobody is told. */
export async function killInstance(engine: LocalEngine, { id }: LocalInstance): Promise<void> {
  if (engine.kind === 'process') process.kill(-Number(id), 'SIGKILL');
  else await dockerAt(engine.socket).getContainer(id).kill({ signal: 'SIGKILL' });
}

/** Ends and removes everything of a host, whether its agent lives or not, and networks that are left. */
export async function removeAll(engine: LocalEngine, owner: LocalInstance['owner']): Promise<void> {
  if (engine.kind === 'process') {
    for (const found of await runningInstances(engine, owner)) await killInstance(engine, found);
    return;
  }
  const docker = dockerAt(engine.socket);
  const filters = {
    label: [`io.millrace.cluster=${owner.cluster}`, `io.millrace.host=${owner.host}`],
  };
  for (const { Id } of await docker.listContainers({ all: true, filters }))
    await docker.getContainer(Id).remove({ force: true, v: true });
  // The engine keeps those that others are on.
  for (const { Id } of await docker.listNetworks({ filters: { label: ['io.millrace.stack'] } }))
    await docker
      .getNetwork(Id)
      .remove()
      .catch(() => undefined);
}

const dockerAt = (socketPath: string): Docker => new Docker({ socketPath });

/** Leaders of instance groups: the variable is inherited, the group's leader has its own pid as group. */
function processes(): readonly LocalInstance[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => processOf(pid) ?? []);
}

function processOf(pid: string): LocalInstance | undefined {
  try {
    const environ = readFileSync(`/proc/${pid}/environ`, 'utf8');
    const has = (name: string): string | undefined =>
      environ.match(new RegExp(`(?:^|\\0)${name}=([^\\0]*)`))?.[1];
    const component = has('MILLRACE_COMPONENT');
    if (has('MILLRACE_INSTANCE') === undefined || component === undefined) return undefined;
    // Fields after the name in parentheses: state, ppid, pgrp, …; the start time is the 22nd in all.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const [state, , group] = fields;
    if (group !== pid || state === 'Z' || state === 'X') return undefined;
    return {
      id: pid,
      owner: { cluster: has('MILLRACE_CLUSTER') ?? '', host: has('MILLRACE_HOST') ?? '' },
      component,
      slot: Number(has('MILLRACE_SLOT')),
      startedAt: fields[19] ?? '',
    };
  } catch {
    return undefined; // ended while we looked, or of another user
  }
}

async function containers(socket: string): Promise<readonly LocalInstance[]> {
  const docker = dockerAt(socket);
  const found = await docker.listContainers({ filters: { label: ['used-by=millrace'] } });
  return Promise.all(
    found.map(async ({ Id, Labels }) => {
      const { State } = await docker.getContainer(Id).inspect();
      return {
        id: Id,
        owner: {
          cluster: Labels['io.millrace.cluster'] ?? '',
          host: Labels['io.millrace.host'] ?? '',
        },
        component: Labels['io.millrace.component'] ?? '',
        slot: Number(Labels['io.millrace.slot']),
        startedAt: State.StartedAt,
      };
    }),
  );
}
