/** `agentctl chaos run`: a plan of faults, done to the links of the cluster that is there. */
import { setTimeout as pause } from 'node:timers/promises';
import type { HostId } from '../../../protocol/base/ids.ts';
import { compareText } from '../../../protocol/base/order.ts';
import type { ClusterView } from '../../../protocol/view/view.ts';
import { waysBetween } from '../../../sim/scenario/act.ts';
import type { ChaosRequest } from '../../http/api.ts';
import { ApiError } from '../../http/client.ts';
import { counted } from '../counted.ts';
import { EXIT } from '../failure.ts';
import { typed } from '../invocation.ts';
import { type Cli, confirm, note, print, printJson } from '../terminal.ts';
import { type ChaosPlan, type LinkFault, meantIn, readChaosPlan } from './chaos-plan.ts';
import { problemsIn, readText } from './plan-text.ts';

/** `max`: milliseconds. */
export type ChaosOptions = { readonly max: number; readonly yes?: boolean };

export async function runChaos(
  cli: Cli,
  file: string,
  { max: maxMs, yes = false }: ChaosOptions,
): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const byName = cluster.hosts.toSorted((a, b) => compareText(a.name, b.name));
  const view = { ...cluster, hosts: byName };
  const plan = loadPlan(cli, file, view, maxMs);
  const { period } = await cli.client.chaos({ kind: 'ask' }, cli.signal);
  const what = `${counted(plan.timeline.length, 'fault')} in ${plan.forMs / 1000} s`;
  if (!yes && !(await confirm(cli, `Break links of this cluster, ${what}?`, '--yes'))) {
    note(cli, 'nothing was done');
    return EXIT.ok;
  }
  try {
    await perform(cli, { ...plan, period }, view);
  } catch (error) {
    // All has ended; what another plan has begun since is not ours to end.
    if (!isStopped(error)) await endAll(cli);
    throw error;
  }
  await endAll(cli);
  say(cli, plan.forMs, 'all faults are over');
  return EXIT.ok;
}

/** For the last word to all hosts, those included that do not answer. */
const END_MS = 5000;

/** How soon it is known that somebody has stopped the plan. */
const LOOK_MS = 1000;

type Performed = ChaosPlan & { readonly period: number };

const isStopped = (error: unknown): boolean =>
  error instanceof ApiError && error.refusal.code === 'chaos-stopped';

/** Also where the user has had enough; what cannot be told ends by its own timer. */
async function endAll({ client }: Cli): Promise<void> {
  await client.chaos({ kind: 'end' }, AbortSignal.timeout(END_MS)).catch(() => undefined);
}

async function perform(cli: Cli, plan: Performed, first: ClusterView): Promise<void> {
  const start = performance.now();
  const hosts = first.hosts.map(({ id }) => id);
  async function until(atMs: number): Promise<void> {
    const leftMs = atMs - (performance.now() - start);
    await pause(Math.max(0, Math.min(leftMs, LOOK_MS)), undefined, { signal: cli.signal });
    if (leftMs <= LOOK_MS) return;
    await cli.client.chaos({ kind: 'ask', period: plan.period }, cli.signal);
    await until(atMs);
  }
  for (const fault of plan.timeline) {
    await until(fault.atMs);
    const { cluster: view } = (await cli.client.status(cli.signal)).data;
    const request = requestFor(fault, plan, view, hosts);
    const name = (id: string): string => first.hosts.find((host) => host.id === id)?.name ?? id;
    if (request.ways.length === 0) say(cli, fault.atMs, `${fault.act.kind}: nobody is meant now`);
    else {
      await cli.client.chaos(request, cli.signal);
      say(cli, fault.atMs, told(request, name));
    }
  }
  await until(plan.forMs);
}

type Breaking = Extract<ChaosRequest, { readonly ways: unknown }>;

function requestFor(
  { atMs, act }: LinkFault,
  plan: Performed,
  view: ClusterView,
  hosts: readonly HostId[],
): Breaking {
  const ways = waysBetween(act.between, meantIn(view, hosts)).flatMap(([from, to]) => {
    const [a, b] = [hosts[from], hosts[to]];
    return a === undefined || b === undefined ? [] : [[a, b] as const];
  });
  const { period } = plan;
  if (act.kind === 'reset') return { kind: act.kind, period, ways };
  const for_ms = Math.min(act.forMs, plan.forMs - atMs);
  const broken = { kind: act.kind, period, ways, for_ms };
  return act.kind === 'lossy' ? { ...broken, permille: act.permille, only: act.only } : broken;
}

/** `cut h1>h2 h2>h1 for 5 s`. */
function told(request: Breaking, name: (id: string) => string): string {
  const shown = request.ways.slice(0, WAYS_SHOWN).map(([a, b]) => `${name(a)}>${name(b)}`);
  const more = request.ways.length - shown.length;
  const ways = `${shown.join(' ')}${more > 0 ? ` and ${more} more` : ''}`;
  if (request.kind === 'reset') return `reset ${ways}`;
  const { kind, for_ms, permille = 0, only } = request;
  const share =
    kind === 'lossy' ? ` ${permille / 10} %${only === undefined ? '' : ` of ${only}`}` : '';
  return `${kind} ${ways}${share} for ${for_ms / 1000} s`;
}

const WAYS_SHOWN = 12;

function say(cli: Cli, atMs: number, text: string): void {
  if (cli.json) printJson(cli, { at_ms: atMs, text });
  else print(cli, `${(atMs / 1000).toFixed(1).padStart(6)} s  ${text}`);
}

function loadPlan(cli: Cli, file: string, view: ClusterView, maxMs: number): ChaosPlan {
  const read = readChaosPlan(readText(file, `name a plan: ${typed('chaos run FILE')}`), {
    path: file,
    view,
    maxMs,
  });
  if (read.ok) return read.plan;
  throw problemsIn(cli, file, read.problems, { code: 'bad-plan', guide: 'docs/chaos.md' });
}
