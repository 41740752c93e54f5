/** Between commander and a verb: options in, exit code out, every error in three parts. */
import type { Command } from 'commander';
import { asFailure, EXIT, type Failure, renderFailure } from './failure.ts';
import { type Cli, createCli, type GlobalOptions, note } from './terminal.ts';

/** A verb ends in its exit code, or throws. */
export type Verb = (cli: Cli) => Promise<number>;
/** How a command runs its verb; the commands know nothing else of the process. */
export type Perform = (command: Command, verb: Verb) => Promise<void>;

export function createPerform(signal: AbortSignal): Perform {
  return async (command, verb) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const cli = createCli(options, signal);
    try {
      process.exitCode = await verb(cli);
    } catch (error) {
      process.exitCode = signal.aborted ? interrupted(cli) : failed(asFailure(error), cli.json);
    }
  };
}

/** Prints it on standard error, as text or as JSON with the same code; returns the exit code. */
export function failed(failure: Failure, json: boolean): number {
  const { parts } = failure;
  process.stderr.write(json ? `${JSON.stringify({ error: parts })}\n` : renderFailure(parts));
  if (process.env['MILLRACE_DEBUG'] !== undefined) {
    process.stderr.write(`${failure.stack ?? ''}\n${describeCause(failure.cause)}`);
  }
  return parts.exit;
}

function interrupted(cli: Cli): number {
  if (cli.continues !== undefined) note(cli, '', `interrupted: ${cli.continues}`);
  return EXIT.interrupted;
}

function describeCause(cause: unknown): string {
  return cause instanceof Error ? `caused by ${cause.stack ?? cause.message}\n` : '';
}
