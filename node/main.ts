#!/usr/bin/env -S node --max-semi-space-size=2
/** `agentd`: one agent per host, under systemd or in a terminal. */
import { chmodSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { StopReason } from '../protocol/input.ts';
import type { ClusterView } from '../protocol/view/view.ts';
import { asTyped } from './cli/invocation.ts';
import { type AgentSettings, readSettings } from './config.ts';
import { openDaemon } from './daemon.ts';
import { EngineError } from './engine/engine.ts';
import { serveApi } from './http/server.ts';
import { createLogger } from './log.ts';
import { StartupError } from './startup-error.ts';
import { openServiceManager } from './systemd.ts';

/** `stopped`: by a user, under a service manager, who is not to start it anew (`agentd.service`). */
const EXIT = { ok: 0, failed: 1, usage: 2, stopped: 3, locked: 6 } as const;
const EXIT_OF: Readonly<Record<string, number>> = {
  usage: EXIT.usage,
  'bad-address': EXIT.usage,
  locked: EXIT.locked,
};
/** Longest an orderly end may take; what is left then is cut off. */
const STOP_MS = 5_000;
/** What others need to start elsewhere what a host that reboots runs. */
const ELSEWHERE_MS = 5_000;

async function main(): Promise<number> {
  const [verb, path, ...more] = process.argv.slice(2);
  if (verb === 'guard') {
    await guard(path, more);
    return EXIT.ok;
  }
  const invoked = readSettings(process.argv.slice(2));
  if (invoked.kind === 'print') {
    process.stdout.write(invoked.text);
    return EXIT.ok;
  }
  return run(invoked.settings);
}

/** Ends with SIGTERM, and takes with it what it watches over. */
async function guard(path: string | undefined, more: readonly string[]): Promise<void> {
  if (path === undefined || more.length > 0)
    throw new StartupError({
      code: 'usage',
      what: 'agentd guard cannot start as told',
      why: 'it needs the path of its socket, and nothing else',
      next: 'agentd guard /run/millrace/guard.sock',
    });
  const { openGuard } = await import('./guard/guard-process.ts');
  const stopped = Promise.withResolvers<void>();
  process.once('SIGTERM', () => stopped.resolve());
  process.once('SIGINT', () => stopped.resolve());
  const opened = await openGuard(path, createLogger({ level: 'info' }));
  await stopped.promise;
  opened.close();
}

async function run(settings: AgentSettings): Promise<number> {
  const log = createLogger({ level: settings.logLevel });
  const stopped = Promise.withResolvers<void>();
  process.once('SIGTERM', () => stopped.resolve());
  process.once('SIGINT', () => stopped.resolve());
  const fatal = (error: unknown): void => {
    log.fatal({ error }, 'the agent cannot go on');
    stopped.reject(error);
  };
  // A library's mistake in a corner must not end the supervision of everything else.
  process.on('unhandledRejection', (error) => log.error({ error }, 'a promise failed unheard'));
  const service = await openServiceManager(process.env, log);
  let code: number = EXIT.ok;
  let why: StopReason | undefined;
  const stop = (asked: StopReason): void => {
    why = asked;
    if (asked === 'stop' && service.isThere) code = EXIT.stopped;
    stopped.resolve();
  };
  const daemon = await openDaemon({ settings, log, service, fatal, stop });
  const api = await serveApi(daemon, settings.socket);
  chmodSync(settings.socket, 0o660);
  service.ready();
  log.info({ socket: settings.socket }, 'agentctl is served');
  let isMissed = false;
  try {
    await stopped.promise;
    why ??= await service.stopReason();
    isMissed = why === 'reboot' && canBeMissed(daemon.agent()?.view());
  } finally {
    service.stopping();
    log.info({ why }, 'agent stops; its instances run on');
    // What was asked to stay down stays down, however it ends.
    const cutOff = setTimeout(() => process.exit(code === EXIT.ok ? EXIT.failed : code), STOP_MS);
    await api[Symbol.asyncDispose]();
    await daemon.end(why ?? 'restart');
    clearTimeout(cutOff);
  }
  // The unit of the engine ends after this one.
  if (isMissed) await pause(ELSEWHERE_MS);
  return code;
}

const DISK_FULL = {
  code: 'disk-full',
  what: 'the agent cannot go on: the disk is full',
  next: 'make room for its state folder; its instances run on, and systemd starts it again',
};

const NO_ENGINE = {
  code: 'no-engine',
  what: 'the agent cannot start: its engine does not answer',
  next: 'agentctl doctor      looks at it; its instances run on, and systemd starts the agent again',
};

/** Something runs here that others may start before it is gone. */
const canBeMissed = (view: ClusterView | undefined): boolean =>
  view?.hosts.some(({ self, instances }) => self && instances > 0) === true &&
  view.hosts.some(({ self, state, witness }) => !self && state === 'alive' && !witness);

try {
  process.exit(await main());
} catch (error) {
  const known = error instanceof StartupError ? error : unexpected(error);
  const { what, why, next } = known.parts;
  process.stderr.write(`error: ${what}\n  why   ${why}\n  next  ${asTyped(next)}\n`);
  process.exit(EXIT_OF[known.parts.code] ?? EXIT.failed);
}

function unexpected(cause: unknown): StartupError {
  if (cause instanceof Error && cause.message.startsWith('ENOSPC'))
    return new StartupError({ ...DISK_FULL, why: cause.message }, { cause });
  if (cause instanceof EngineError)
    return new StartupError({ ...NO_ENGINE, why: cause.message }, { cause });
  const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  const next = 'its instances run on; systemd starts it again. If it ends so again, report this';
  return new StartupError({ code: 'bug', what: 'the agent cannot go on', why, next }, { cause });
}
