import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { ApiError } from '../http/client.ts';
import { durationOption } from './duration-option.ts';
import { age } from './duration.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { type Cli, confirm, note, print, printJson } from './terminal.ts';

type LeaveOptions = { readonly yes?: boolean; readonly timeout: number };

const POLL_MS = 300;

export function leaveCommand(perform: Perform): Command {
  return new Command('leave')
    .description('take this host out of the cluster; what it runs and its vote go to others first')
    .option('-y, --yes', 'do not ask')
    .addOption(durationOption('--timeout <time>', 'how long to wait until it has left', '5m'))
    .action((options: LeaveOptions, command: Command) =>
      perform(command, (cli) => leave(cli, options)),
    );
}

async function leave(cli: Cli, { yes, timeout }: LeaveOptions): Promise<number> {
  const { name, cluster } = await cli.client.cluster(cli.signal);
  if (yes !== true && !(await confirm(cli, `Take ${name} out of cluster ${cluster}?`, '--yes'))) {
    note(cli, 'nothing was changed');
    return EXIT.ok;
  }
  const body = await cli.client.clusterLeave(cli.signal);
  note(cli, body.done);
  cli.continues = `it goes on leaving; see ${typed('status')}`;
  const until = Date.now() + timeout;
  while (await isMember(cli)) {
    if (Date.now() > until) throw notYet(name, timeout);
    await pause(POLL_MS, undefined, { signal: cli.signal });
  }
  const done = `${name} has left cluster ${cluster}; it keeps its identity`;
  if (cli.json) printJson(cli, { done, next: typed('agent stop') });
  else print(cli, done, `  next  ${typed('agent stop')}`);
  return EXIT.ok;
}

async function isMember(cli: Cli): Promise<boolean> {
  try {
    await cli.client.cluster(cli.signal);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.refusal.code === 'no-cluster') return false;
    throw error;
  }
}

function notYet(name: string, timeout: number): Failure {
  return new Failure({
    code: 'not-in-time',
    what: `${name} has not left after ${age(timeout)}; it goes on leaving`,
    why: 'something it runs fits on no other host, or nobody has taken over its vote yet',
    next: `${typed('status')}      shows what it still runs; the same command waits again`,
    exit: EXIT.unknown,
  });
}
