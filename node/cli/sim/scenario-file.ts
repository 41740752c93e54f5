/**
 * A scenario file to what is run; `docs/simulator.md` has the language. Read as Compose files are: every
 * problem has its line, its reason and what to do.
 */
import * as z from 'zod';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import { FAULT_KINDS, type FaultKind } from '../../../sim/plagues.ts';
import { CLAIM_FORMS, parseClaim } from '../../../sim/scenario/claim.ts';
import {
  type Expectation,
  parseWhen,
  type Span,
  WHEN_FORMS,
} from '../../../sim/scenario/expect.ts';
import { type Names, namesIn, parseHost } from '../../../sim/scenario/names.ts';
import type { Plan } from '../../../sim/scenario/plan.ts';
import type { Limits, Scenario, Setting } from '../../../sim/scenario/scenario.ts';
import { array, duration, findingsOf, integer, kindOf, pairs, text } from '../../compose/fields.ts';
import { readDocument } from '../../compose/read/document.ts';
import { type Finding, listProblems, type Path, type Problem } from '../../compose/problems.ts';
import { choice, oneOrMore, rate, share, strict } from './scenario-fields.ts';
import { readTimeline } from './scenario-timeline.ts';

/** What comes from the command line, and wins. */
export type Given = {
  readonly hosts?: number;
  readonly forMs?: number;
  readonly faults?: Plan;
  /** In place of what the file names. */
  readonly stacks?: readonly StackSpec[];
};
export type ScenarioSource = {
  /** What problems call the file. */
  readonly path: string;
  readonly given: Given;
  /** The stack of a Compose file named in this one, or its problems. */
  readonly load: (file: string) => StackSpec | readonly Problem[];
};

export type ScenarioRead =
  | {
      readonly ok: true;
      readonly scenario: Scenario;
      /** As the file wants it. */
      readonly seed: number | undefined;
      readonly runs: number | undefined;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Hosts that a scenario may have. */
export const HOSTS_MAX = 100;
const FOR_MS = 60_000;
/** Time for what runs to come up before random faults begin. */
const FAULTS_FROM_MS = 8000;
const RUNS_MAX = 1_000_000;

const FILE = strict({
  name: text.optional(),
  hosts: integer(1, HOSTS_MAX).optional(),
  voters: integer(1, 5).optional(),
  compose: oneOrMore.optional(),
  for: duration.optional(),
  faults: oneOrMore.optional(),
  faults_from: duration.optional(),
  seed: integer(1, 2 ** 31).optional(),
  runs: integer(1, RUNS_MAX).optional(),
  links: strict({
    delay: duration.optional(),
    loss: share.optional(),
    duplicate: share.optional(),
    late: share.optional(),
    late_by: duration.optional(),
  }).optional(),
  transport: choice('datagram', 'stream').optional(),
  gossip: choice('direct', 'mesh').optional(),
  discovery: choice('known', 'mdns').optional(),
  clocks: pairs.optional(),
  afterwards: choice('all', 'core').optional(),
  timeline: array(z.unknown()).optional(),
  expect: array(pairs).optional(),
  limits: strict({
    availability: share.optional(),
    failover_p50: duration.optional(),
    failover_p99: duration.optional(),
    restart_p99: duration.optional(),
    longest_double_run: duration.optional(),
    messages_per_host: integer(0, 1_000_000).optional(),
  }).optional(),
});
type File = z.infer<typeof FILE>;

/** Never throws: whatever is wrong is among the problems. */
export function readScenario(written: string, source: ScenarioSource): ScenarioRead {
  const document = readDocument(written, source.path);
  if (!document.ok) return document;
  const findings: Finding[] = [];
  const file = FILE.safeParse(document.plain);
  if (!file.success) findings.push(...findingsOf(file.error, []));
  const draft = { source, findings, loaded: [] as Problem[] };
  const scenario = file.success ? scenarioOf(draft, file.data) : undefined;
  const problems = [...findings.map(document.locate), ...draft.loaded];
  if (scenario === undefined || problems.length > 0)
    return { ok: false, problems: listProblems(problems) };
  return { ok: true, scenario, seed: file.data?.seed, runs: file.data?.runs };
}

type Draft = {
  readonly source: ScenarioSource;
  readonly findings: Finding[];
  /** Of the Compose files that are named. */
  readonly loaded: Problem[];
};

function scenarioOf(draft: Draft, file: File): Scenario | undefined {
  const { given, path } = draft.source;
  const hostCount = given.hosts ?? file.hosts;
  if (hostCount === undefined)
    return refuse(draft, [], 'there are no hosts', 'add for example hosts: 5');
  const stacks =
    given.stacks ??
    (file.compose ?? []).flatMap((name, at) => stackOf(draft, name, ['compose', at]) ?? []);
  if (stacks.length === 0 && draft.loaded.length === 0)
    return refuse(draft, [], 'nothing runs', 'name a Compose file, e.g. compose: compose.yaml');
  const faults = given.faults ?? planOf(draft, file.faults ?? ['none']) ?? 'none';
  const forMs = given.forMs ?? file.for ?? FOR_MS;
  const faultsFromMs = file.faults_from ?? Math.min(FAULTS_FROM_MS, Math.floor(forMs / 2));
  if (faults !== 'none' && faultsFromMs >= forMs)
    return refuse(
      draft,
      ['faults_from'],
      `the run is over after ${forMs} ms, its faults begin after ${faultsFromMs} ms`,
      'let it go on for longer, e.g. for: 60s',
    );
  const timeline = timelineOf(draft, file, { hostCount, stacks, forMs });
  const names = namesIn(hostCount, [
    ...stacks,
    ...timeline.flatMap(({ act }) => (act.kind === 'deploy' ? [act.spec] : [])),
  ]);
  const span = { forMs, lastMs: timeline.at(-1)?.atMs ?? 0 };
  return {
    name: file.name ?? path,
    hostCount,
    voterCount: votersOf(draft, file, hostCount),
    forMs,
    faultsFromMs,
    faults,
    setting: settingOf(draft, file, names),
    stacks,
    timeline,
    expect: expectationsOf(draft, file, names, span),
    limits: limitsOf(file),
  };
}

function refuse(draft: Draft, path: Path, message: string, next: string): undefined {
  draft.findings.push({ path, on: 'value', message, next });
}

function stackOf(draft: Draft, file: string, path: Path): StackSpec | undefined {
  const loaded = draft.source.load(file);
  if ('components' in loaded) return loaded;
  draft.loaded.push(...loaded);
  return refuse(draft, path, `${file} cannot be deployed`, 'see its own problems');
}

function votersOf(draft: Draft, { voters }: File, hostCount: number): Scenario['voterCount'] {
  const count = voters ?? (hostCount >= 3 ? 3 : 1);
  if ((count === 1 || count === 3 || count === 5) && count <= hostCount) return count;
  refuse(draft, ['voters'], `${count} of ${hostCount} hosts cannot vote`, 'write 1, 3 or 5');
  return 1;
}

/** `none`, `swarm`, or kinds of faults. */
function planOf(draft: Draft, words: readonly string[]): Plan | undefined {
  const plan = parsePlan(words);
  if (plan.ok) return plan.plan;
  return refuse(draft, ['faults'], plan.why, plan.next);
}

type PlanRead =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly why: string; readonly next: string };

const snake = (word: string): string => word.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
/** As they are written: `host_losses`. */
export const PLAN_WORDS: readonly string[] = FAULT_KINDS.map(snake);

export function parsePlan(words: readonly string[]): PlanRead {
  const [only] = words;
  if (words.length === 1 && (only === 'none' || only === 'swarm')) return { ok: true, plan: only };
  const kinds: FaultKind[] = [];
  for (const word of words) {
    const kind = FAULT_KINDS.find((known) => snake(known) === word);
    if (kind === undefined)
      return {
        ok: false,
        why: `there are no faults called "${word}"`,
        next: `name none, swarm, or some of ${PLAN_WORDS.join(', ')}`,
      };
    kinds.push(kind);
  }
  return { ok: true, plan: kinds };
}

type Stage = {
  readonly hostCount: number;
  readonly stacks: readonly StackSpec[];
  readonly forMs: number;
};

function timelineOf(draft: Draft, file: File, { hostCount, stacks, forMs }: Stage) {
  const lines = file.timeline ?? [];
  // Whatever is deployed at some time has a name from the beginning.
  const later = lines.flatMap((line) => {
    const name = kindOf(line) === 'mapping' ? (line as { readonly deploy?: unknown }).deploy : 0;
    const loaded = typeof name === 'string' ? draft.source.load(name) : [];
    return 'components' in loaded ? [loaded] : [];
  });
  return readTimeline(lines, ['timeline'], {
    names: namesIn(hostCount, [...stacks, ...later]),
    forMs,
    stackOf: (name, path) => stackOf(draft, name, path),
    find: (finding) => draft.findings.push(finding),
  });
}

function settingOf(draft: Draft, file: File, names: Names): Setting {
  const { links = {}, transport, gossip, discovery, clocks, afterwards } = file;
  const given = {
    delayMeanMs: links.delay,
    lossPermille: links.loss,
    duplicatePermille: links.duplicate,
    tailPermille: links.late,
    tailMs: links.late_by,
    transport,
    gossip,
    discovery,
    calm: afterwards,
    ratesPermille: clocks === undefined ? undefined : ratesOf(draft, clocks, names),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function ratesOf(
  draft: Draft,
  clocks: readonly (readonly [string, unknown])[],
  names: Names,
): readonly number[] {
  const rates = names.hosts.map(() => 0);
  for (const [name, value] of clocks) {
    const host = parseHost(names, name);
    const read = rate.safeParse(value);
    if (!host.ok) refuse(draft, ['clocks', name], host.error, 'name one of them');
    else if (read.success) rates[host.value] = read.data;
    else draft.findings.push(...findingsOf(read.error, ['clocks', name]));
  }
  return rates;
}

function expectationsOf(
  draft: Draft,
  { expect = [] }: File,
  names: Names,
  span: Span,
): readonly Expectation[] {
  return expect.flatMap((entries, at) =>
    entries.flatMap(([when, claims]) =>
      (Array.isArray(claims) ? claims : [claims]).flatMap((claim: unknown) =>
        expectationOf(draft, ['expect', at, when], { when, claim, names, span }),
      ),
    ),
  );
}

type Sentence = {
  readonly when: string;
  readonly claim: unknown;
  readonly names: Names;
  readonly span: Span;
};

function expectationOf(
  { findings }: Draft,
  path: Path,
  { when, claim, names, span }: Sentence,
): readonly Expectation[] {
  const time = parseWhen(when, span, (written) => {
    const length = duration.safeParse(written);
    return length.success ? length.data : undefined;
  });
  if (!time.ok) {
    findings.push({ path, on: 'key', message: time.error, next: `write ${WHEN_FORMS.join(', ')}` });
    return [];
  }
  const said = parseClaim(names, kindOf(claim) === 'text' ? (claim as string) : '');
  if (said.ok) return [{ text: `${when}: ${String(claim)}`, when: time.value, claim: said.value }];
  const next = `sentences are: ${CLAIM_FORMS.join('; ')}`;
  findings.push({ path, on: 'value', message: said.error, next });
  return [];
}

function limitsOf({ limits = {} }: File): Limits {
  const given = {
    availabilityPermille: limits.availability,
    failoverP50Ms: limits.failover_p50,
    failoverP99Ms: limits.failover_p99,
    restartP99Ms: limits.restart_p99,
    longestDoubleMs: limits.longest_double_run,
    messagesPerHost: limits.messages_per_host,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
