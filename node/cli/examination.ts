/** Everything there is to judge, by the agent where one answers; loaded by the doctor alone. */
import { readAgentFile } from '../agent-file.ts';
import { type AgentSettings, readSettings, VERSION } from '../config.ts';
import type { AgentAnswer, AgentFacts, Examined, HostFacts } from '../doctor/facts.ts';
import { examineHost } from '../doctor/host.ts';
import { examineClock, examineFirewall, examineService } from '../doctor/machine.ts';
import { currentUser, fileFacts } from '../doctor/user.ts';
import type { StatusBody } from '../http/api.ts';
import { ApiError, UnreachableError } from '../http/client.ts';
import { isListening } from '../http/listening.ts';
import { SYSTEM_PATHS } from '../paths.ts';
import { StartupError } from '../startup-error.ts';
import type { Cli } from './terminal.ts';

type View = StatusBody['view'];

export async function examine(
  cli: Cli,
  net: boolean,
): Promise<{ readonly examined: Examined; readonly view?: View }> {
  const [asked, synchronized, firewall] = await Promise.all([
    askAgent(cli, net),
    net ? undefined : examineClock(),
    examineFirewall(),
  ]);
  const path = cli.client.socket;
  const file = fileFacts(path);
  const looked = asked.facts ?? (await lookHere(net));
  const { answer, view } = asked;
  const isService = answer.kind === 'none' && path === SYSTEM_PATHS.socket;
  const service = isService ? await examineService() : undefined;
  const examined: Examined = {
    version: VERSION,
    user: currentUser(),
    socket: file === undefined ? { path } : { path, file },
    agent: answer.kind === 'answers' ? answer : await elsewhere(answer, path),
    firewall,
    ...(service === undefined ? {} : { service }),
    ...(synchronized === undefined ? {} : { synchronized }),
    host: looked.host,
    ...('cluster' in looked ? { cluster: looked.cluster } : {}),
    ...('settings' in looked ? { settings: looked.settings } : {}),
  };
  return view === undefined ? { examined } : { examined, view };
}

type Asked = {
  readonly answer: AgentAnswer;
  readonly facts?: AgentFacts;
  readonly view?: View;
};

/** First what is answered at once: an agent that hangs is not waited for long. */
async function askAgent({ client, signal }: Cli, net: boolean): Promise<Asked> {
  const view = client.status(signal).then(
    (body) => body.view,
    (error: unknown) => {
      if (error instanceof ApiError) return undefined; // it answers, and belongs to no cluster
      throw error;
    },
  );
  try {
    const seen = await view;
    const facts = await client.doctor({ net }, signal);
    const { version, pid, memory } = facts;
    const answer = { kind: 'answers', version, pid, memory } as const;
    return { answer, facts, ...(seen === undefined ? {} : { view: seen }) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UnreachableError) return { answer: { kind: 'none', code: error.code } };
    if (error instanceof ApiError && error.refusal.code === 'bad-request')
      return { answer: { kind: 'none', code: 'OLD' } };
    throw error;
  }
}

/** What can be seen of this host without its agent, by the settings that it would start with. */
async function lookHere(
  net: boolean,
): Promise<{ readonly host: HostFacts; readonly settings?: NonNullable<Examined['settings']> }> {
  const { settings, problem } = settingsHere();
  const pid = (await readAgentFile(settings.state))?.pid;
  const host = await examineHost({
    by: 'agentctl',
    settings,
    net,
    ...(pid === undefined ? {} : { pid }),
  });
  return problem === undefined ? { host } : { host, settings: problem };
}

const NO_FILE = '/dev/null';

function settingsHere(): {
  readonly settings: AgentSettings;
  readonly problem?: NonNullable<Examined['settings']>;
} {
  try {
    return { settings: settingsBy([]) };
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    const { why, next } = error.parts;
    return { settings: settingsBy(['--config', NO_FILE]), problem: { why, next } };
  }
}

function settingsBy(args: readonly string[]): AgentSettings {
  const invoked = readSettings(args);
  if (invoked.kind !== 'run') throw new Error('no settings were asked for');
  return invoked.settings;
}

async function elsewhere(
  answer: Extract<AgentAnswer, { readonly kind: 'none' }>,
  path: string,
): Promise<AgentAnswer> {
  const known = (await readAgentFile(settingsHere().settings.state))?.socket;
  const isElsewhere = known !== undefined && known !== path && (await isListening(known));
  return isElsewhere ? { ...answer, elsewhere: known } : answer;
}
