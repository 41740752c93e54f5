/** The tree of commands. The reference in `docs/cli.md` is made from it. */
import { Command, Option } from 'commander';
import { VERSION } from '../config.ts';
import { agentCommand } from './agent.ts';
import { chaosCommand } from './chaos.ts';
import { clusterCommand } from './cluster.ts';
import { completionCommand } from './completion.ts';
import { deployCommand } from './deploy.ts';
import { destroyCommand } from './destroy.ts';
import { doctorCommand } from './doctor.ts';
import { execCommand } from './exec.ts';
import { eventsCommand } from './events.ts';
import { hostCommand } from './host.ts';
import { inspectCommand } from './inspect.ts';
import { killCommand } from './kill.ts';
import { logsCommand } from './logs.ts';
import type { Perform } from './perform.ts';
import { everyCommand } from './program-tree.ts';
import { planCommand } from './plan.ts';
import { psCommand } from './ps.ts';
import { leadCommand } from './lead.ts';
import { runCommand } from './run.ts';
import { restartCommand } from './restart.ts';
import { rolloutCommand } from './rollout.ts';
import { scaleCommand } from './scale.ts';
import { simCommand } from './sim.ts';
import { statusCommand } from './status.ts';
import { waitCommand } from './wait.ts';
import { whyCommand } from './why.ts';

const VERBS = [
  clusterCommand,
  planCommand,
  deployCommand,
  statusCommand,
  psCommand,
  logsCommand,
  execCommand,
  runCommand,
  killCommand,
  restartCommand,
  scaleCommand,
  rolloutCommand,
  leadCommand,
  eventsCommand,
  whyCommand,
  inspectCommand,
  destroyCommand,
  hostCommand,
  waitCommand,
  doctorCommand,
  agentCommand,
  chaosCommand,
  simCommand,
  completionCommand,
] as const;

export function createProgram(perform: Perform): Command {
  const program = new Command('agentctl')
    .description('ask and steer the Millrace agent of this host, and through it the cluster')
    .option(
      '--socket <path>',
      "the agent's socket (else MILLRACE_SOCKET, else where agents put it)",
    )
    .addOption(
      new Option('--color <when>', 'color the letters')
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    )
    .option('--json', 'one JSON object, or one per line of a stream; errors too')
    .version(`agentctl ${VERSION}`, '-V, --version', 'which version this is');
  for (const verb of VERBS) program.addCommand(verb(perform));
  for (const command of everyCommand(program)) {
    command.configureHelp({ showGlobalOptions: true }).helpCommand(false);
    // Errors of usage are thrown, and told in three parts like all others.
    command.exitOverride().configureOutput({ outputError: () => undefined });
  }
  return program;
}
