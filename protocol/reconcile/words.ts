/** How ends and lengths of time read in the journal and in reports. */
import type { ComponentId } from '../base/ids.ts';
import { journal, type Turn } from '../turn.ts';
import type { Ended, StopWhy } from './instance.ts';

/** What `128 + signal` and the shell's own codes stand for. */
const EXIT_WORDS: Readonly<Record<number, string>> = {
  126: 'cannot be executed',
  127: 'command not found',
  129: 'SIGHUP',
  130: 'SIGINT',
  131: 'SIGQUIT',
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  141: 'SIGPIPE',
  143: 'SIGTERM',
};

/** E.g. `exit 137 (SIGKILL)`. Negative codes are an engine's way to say that it does not know. */
export function exitText({ exitCode, oomKilled }: Ended): string {
  if (oomKilled) return `exit ${exitCode ?? 137} (out of memory)`;
  if (exitCode === undefined || exitCode < 0) return 'exit unseen';
  const word = EXIT_WORDS[exitCode];
  return word === undefined ? `exit ${exitCode}` : `exit ${exitCode} (${word})`;
}

/** `0.35 s`, `4.2 s`, `12 min`. */
export function lengthText(ms: number): string {
  if (ms < 1000) return `${(ms / 1000).toFixed(2)} s`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

/** Of the restart after a failure. */
export const delayText = (ms: number): string =>
  ms === 0 ? 'restarts at once' : `restarts ${lengthText(ms)} later`;

export const STOP_TEXT = {
  replaced: 'its spec has changed',
  restart: 'a user asked for a restart',
  unhealthy: 'unhealthy',
  duplicate: 'a newer instance of this slot runs',
  unwanted: 'not assigned to this host any more',
  fenced: 'the lease it was made under has ended',
  isolated: 'this host hears no quorum of the voters',
  timeout: 'it has taken longer than its timeout',
  drifted: 'someone else has changed it',
  renumbered: 'its port on this host is given to another',
  readdressed: 'what it depends on is found elsewhere now',
  stuck: 'someone else has it stand still, and its guard does not',
} as const satisfies Record<StopWhy, string>;

type About = { readonly component: ComponentId; readonly slot: number };

/** One line about the instance `STACK.COMPONENT.SLOT` on this host. */
export function tell(turn: Turn, { component, slot }: About, text: string): void {
  journal(turn, 'instance', [`${component}.${slot}`, component, turn.self], text);
}
