import { Argument, Command } from 'commander';
import { readAgentFile } from '../agent-file.ts';
import { type AgentSettings, readSettings, VERSION } from '../config.ts';
import type { Check } from '../doctor/check.ts';
import { checksOf, overall } from '../doctor/checks.ts';
import type { AgentAnswer, AgentFacts, Examined, HostFacts } from '../doctor/facts.ts';
import { examineHost } from '../doctor/host.ts';
import { examineClock, examineFirewall } from '../doctor/machine.ts';
import { currentUser, fileFacts } from '../doctor/user.ts';
import type { StatusBody } from '../http/api.ts';
import { ApiError, UnreachableError } from '../http/client.ts';
import { isListening } from '../http/listening.ts';
import { StartupError } from '../startup-error.ts';
import { doctorLines } from './doctor-screen.ts';
import { EXIT } from './failure.ts';
import { asTyped } from './invocation.ts';
import type { Perform } from './perform.ts';
import { type Cli, note, print, printJson, widthOf } from './terminal.ts';

export function doctorCommand(perform: Perform): Command {
  return new Command('doctor')
    .description('what is wrong with this host and its network, and how to repair it')
    .addArgument(new Argument('[what]', 'net: the network alone').choices(['net']))
    .action((what: string | undefined, _: object, command: Command) =>
      perform(command, (cli) => doctor(cli, what === 'net')),
    );
}

async function doctor(cli: Cli, net: boolean): Promise<number> {
  if (!cli.json) note(cli, 'looking; hosts that do not answer take a few seconds');
  const { examined, view } = await examine(cli, net);
  const checks = checksOf(examined, net);
  const verdict = overall(checks);
  const { host, cluster } = examined;
  if (cli.json)
    printJson(cli, {
      schema: 'millrace/doctor/1',
      generated_at: new Date().toISOString(),
      ...(view === undefined ? {} : { view }),
      data: {
        verdict,
        checks: checks.map(typable),
        host,
        ...(cluster === undefined ? {} : { cluster }),
      },
    });
  else
    print(cli, ...doctorLines(checks, cluster, { width: widthOf(cli.stdout), paint: cli.paint }));
  return verdict === 'fail' ? EXIT.unhealthy : EXIT.ok;
}

/** The checks do not know how this command was started. */
const typable = ({ fix, ...check }: Check): Check =>
  fix === undefined ? check : { ...check, fix: asTyped(fix) };

type View = StatusBody['view'];

async function examine(
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
  const examined: Examined = {
    version: VERSION,
    user: currentUser(),
    socket: file === undefined ? { path } : { path, file },
    agent: answer.kind === 'answers' ? answer : await elsewhere(answer, path),
    firewall,
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
    const answer = { kind: 'answers', version: facts.version, pid: facts.pid } as const;
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
