/** Looks at this host, with the eyes of whichever process runs it. */
import { lstatSync, readFileSync } from 'node:fs';
import { chosenEngine } from '../agent-file.ts';
import type { Agent } from '../agent.ts';
import type { AgentSettings } from '../config.ts';
import { dockerSockets } from '../engine/docker/sockets.ts';
import { askDocker } from './docker-socket.ts';
import type { EngineFacts, GuardFacts, HostFacts, PortFacts } from './facts.ts';
import { examinePort } from './listening-port.ts';
import { examineMulticast } from './multicast-loop.ts';
import { examineState } from './state-folder.ts';
import { currentUser, fileFacts } from './user.ts';

export type HostQuestion = {
  readonly by: HostFacts['by'];
  readonly settings: Pick<
    AgentSettings,
    'state' | 'engine' | 'dockerSocket' | 'guard' | 'listen' | 'mdns' | 'peers'
  >;
  /** The network alone. */
  readonly net: boolean;
  /** The agent that looks, if it belongs to a cluster. */
  readonly agent?: Agent;
  /** Of the agent of this host, as it wrote it down. */
  readonly pid?: number;
};

/** Never rejects. */
export async function examineHost(question: HostQuestion): Promise<HostFacts> {
  const { by, settings, net } = question;
  const { mdns, peers, listen } = settings;
  const [ports, interfaces, machine] = await Promise.all([
    examinePorts(question),
    mdns ? examineMulticast(listen) : [],
    net ? undefined : examineMachine(question),
  ]);
  const facts = { by, user: currentUser(), mdns, peers, ports, interfaces };
  return machine === undefined ? facts : { ...facts, machine };
}

/** An agent that belongs to a cluster listens. */
async function examinePorts({ settings, agent, pid }: HostQuestion): Promise<readonly PortFacts[]> {
  return Promise.all(
    settings.listen.map(async (endpoint) =>
      agent === undefined ? examinePort(endpoint, pid) : { endpoint, state: 'ours' as const },
    ),
  );
}

async function examineMachine({
  settings,
  agent,
}: HostQuestion): Promise<NonNullable<HostFacts['machine']>> {
  const [engine, state] = await Promise.all([
    examineEngine(settings, agent),
    examineState(settings.state),
  ]);
  return settings.guard === undefined
    ? { engine, state }
    : { engine, state, guard: examineGuard(settings.guard, agent) };
}

async function examineEngine(
  settings: HostQuestion['settings'],
  agent: Agent | undefined,
): Promise<EngineFacts> {
  const choice = agent?.engine.kind ?? (await chosenEngine(settings));
  const paths = choice === 'process' ? [] : dockerSockets(settings, process.env);
  const sockets = await Promise.all(
    paths.map(async (path) => {
      const file = fileFacts(path);
      return { path, answer: await askDocker(path), ...(file === undefined ? {} : { file }) };
    }),
  );
  return agent === undefined
    ? { choice, sockets }
    : { choice, sockets, used: agent.engine.version };
}

/** Nobody but its agent may speak to a guard: a second line would take the place of the first. */
function examineGuard(socket: string, agent: Agent | undefined): GuardFacts {
  const standing = agent?.guard?.standing();
  if (standing?.joined === true) return { socket, state: 'joined' };
  if (standing?.why !== undefined) return { socket, state: 'useless', why: standing.why };
  if (lstatSync(socket, { throwIfNoEntry: false }) === undefined)
    return { socket, state: 'missing' };
  // An agent that is not let in hears nothing of it.
  return { socket, state: agent === undefined && isServed(socket) ? 'listens' : 'deaf' };
}

/** proc(5), /proc/net/unix: the flag of a socket that accepts connections. */
const ACCEPTS = '00010000';

function isServed(socket: string): boolean {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
  return lines.some((line) => line.endsWith(` ${socket}`) && line.split(/\s+/)[3] === ACCEPTS);
}
