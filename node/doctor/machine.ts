/** What the system says of itself, by its own commands: its clock's source, its firewalls. */
import { execFile } from 'node:child_process';
import type { FirewallFacts, ServiceFacts } from './facts.ts';

const COMMAND_MS = 3_000;
const FIREWALLS = ['ufw', 'firewalld', 'nftables'];

/** Whether the clock follows a time server; undefined: the system does not say. */
export async function examineClock(): Promise<boolean | undefined> {
  const said = await run('timedatectl', ['show', '--property=NTPSynchronized', '--value']);
  const [value] = said.stdout.split('\n');
  return value === 'yes' ? true : value === 'no' ? false : undefined;
}

/** What systemd says of the agent; undefined: it knows no such service. */
export async function examineService(): Promise<ServiceFacts | undefined> {
  const properties = '--property=LoadState,ActiveState,ExecMainStatus';
  const { stdout } = await run('systemctl', ['show', 'agentd', properties]);
  const said = new Map(stdout.split('\n').map((line) => line.split('=', 2) as [string, string]));
  const state = said.get('ActiveState');
  if (said.get('LoadState') !== 'loaded' || state === undefined) return undefined;
  return { state, exit: Number(said.get('ExecMainStatus')) };
}

/** Only root may read the rules. */
export async function examineFirewall(): Promise<FirewallFacts> {
  // It ends with an error when one of them is not active, and prints a line for each all the same.
  const [active, rules] = await Promise.all([
    run('systemctl', ['is-active', ...FIREWALLS]),
    run('iptables', ['-S', 'INPUT']),
  ]);
  const states = active.stdout.split('\n');
  const services = FIREWALLS.filter((_, at) => states[at] === 'active');
  if (!rules.ok) return { services };
  return { services, dropping: droppingIn(rules.stdout) };
}

/** Of `iptables -S INPUT`: the policy counts as a rule. */
export function droppingIn(rules: string): number {
  const lines = rules.split('\n');
  return lines.filter((line) => /^-P INPUT DROP|^-A INPUT .*-j (DROP|REJECT)\b/.test(line)).length;
}

type Ran = { readonly ok: boolean; readonly stdout: string };

function run(file: string, args: readonly string[]): Promise<Ran> {
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const options = { timeout: COMMAND_MS, killSignal: 'SIGKILL' } as const;
  execFile(file, args, options, (error, stdout) => resolve({ ok: error === null, stdout }));
  return promise;
}
