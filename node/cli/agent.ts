import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { readAgentFile } from '../agent-file.ts';
import { agentdCall, NODE_ENVIRONMENT } from '../agentd.ts';
import { createClient } from '../http/client.ts';
import { findState } from '../paths.ts';
import { EXIT, Failure } from './failure.ts';
import { asTyped, typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { type Cli, type GlobalOptions, note, print, printJson } from './terminal.ts';
import { isListening } from '../http/listening.ts';

type StartOptions = GlobalOptions & { readonly takeover?: boolean; readonly state?: string };

const POLL_MS = 200;
/** A stop leaves the instances running: it is quick, or the agent hangs. */
const STOP_MS = 30_000;

export function agentCommand(perform: Perform): Command {
  const agent = new Command('agent').description('the agent of this host');
  agent
    .command('start')
    .description('run the agent in this terminal; waits while another one owns its state folder')
    .option('--takeover', 'ask the agent that runs to stop, and take its place')
    .option('--state <dir>', 'the state folder')
    .argument('[flags...]', 'passed on to agentd; put -- before them')
    .action((flags: readonly string[], _: object, command: Command) =>
      perform(command, (cli) => start(cli, command.optsWithGlobals<StartOptions>(), flags)),
    );
  agent
    .command('stop')
    .description('end the agent of this host; the instances run on, and the next agent adopts them')
    .action((_: object, command: Command) => perform(command, stop));
  return agent;
}

async function start(cli: Cli, options: StartOptions, flags: readonly string[]): Promise<number> {
  const state = options.state ?? findState();
  const owner = (await readAgentFile(state))?.socket ?? cli.client.socket;
  if (await isListening(owner)) {
    if (options.takeover === true) {
      note(cli, (await createClient(owner).agentStop({ returns: true }, cli.signal)).done);
      await ended(owner, cli.signal, STOP_MS);
    } else {
      note(cli, `an agent answers on ${owner}: waiting until it ends`);
      note(cli, `to take its place now: ${typed('agent start --takeover')}`);
      await ended(owner, cli.signal, Infinity);
    }
  }
  // Only what was said here: the rest is for the agent's own configuration to say.
  const told = [
    ...(options.socket === undefined ? [] : ['--socket', options.socket]),
    ...(options.state === undefined ? [] : ['--state', options.state]),
  ];
  return run(cli, [...told, ...flags]);
}

async function stop(cli: Cli): Promise<number> {
  const body = await cli.client.agentStop({}, cli.signal);
  await ended(cli.client.socket, cli.signal, STOP_MS);
  if (cli.json) printJson(cli, body);
  else print(cli, body.done, `  next  ${asTyped(body.next)}`);
  return EXIT.ok;
}

/**
 * Ends as the agent ends, with its exit code. On a terminal Ctrl-C reaches the agent without us; a
 * second signal would tell it to hurry.
 */
async function run(cli: Cli, flags: readonly string[]): Promise<number> {
  const { args, argv0 } = agentdCall(flags);
  const env = { ...process.env, ...NODE_ENVIRONMENT };
  const child = spawn(process.execPath, args, { stdio: 'inherit', argv0, env });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const pass = (): void => void child.kill('SIGTERM');
  if (!cli.stdin.isTTY) cli.signal.addEventListener('abort', pass, { once: true });
  process.once('SIGTERM', pass);
  child.once('error', reject);
  child.once('exit', (code) => resolve(code ?? EXIT.bug));
  try {
    return await promise;
  } finally {
    cli.signal.removeEventListener('abort', pass);
    process.removeListener('SIGTERM', pass);
  }
}

async function ended(socket: string, signal: AbortSignal, limitMs: number): Promise<void> {
  const until = Date.now() + limitMs;
  while (await isListening(socket)) {
    if (Date.now() > until) {
      throw new Failure({
        code: 'agent-hangs',
        what: `the agent on ${socket} has not ended after ${limitMs / 1000} s`,
        why: 'it was asked to, and still listens: it hangs, or it is stopped by a signal',
        next: 'sudo systemctl kill -s SIGKILL agentd, or kill its process; the instances run on',
        exit: EXIT.unknown,
      });
    }
    await pause(POLL_MS, undefined, { signal });
  }
}
