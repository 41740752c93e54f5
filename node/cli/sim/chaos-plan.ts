/** A plan of faults for a cluster that is there: the timeline of a scenario, and nothing else of it. */
import * as z from 'zod';
import type { ComponentId, HostId } from '../../../protocol/base/ids.ts';
import type { ClusterView } from '../../../protocol/view/view.ts';
import type { Act, Timed } from '../../../sim/scenario/act.ts';
import type { Names } from '../../../sim/scenario/names.ts';
import type { Who } from '../../../sim/scenario/who.ts';
import type { HostIndex } from '../../../sim/strike.ts';
import { FAULT_MS_MAX } from '../../chaos/interference.ts';
import { array, duration, findingsOf, text } from '../../compose/fields.ts';
import { readDocument } from '../../compose/read/document.ts';
import { type Finding, listProblems, type Problem } from '../../compose/problems.ts';
import { strict } from './scenario-fields.ts';
import { readTimeline } from './scenario-timeline.ts';

/** What can be broken at the agents' own transport. */
type LinkAct = Extract<Act, { readonly between: unknown }>;
export type LinkFault = { readonly atMs: number; readonly act: LinkAct };
export type ChaosPlan = { readonly forMs: number; readonly timeline: readonly LinkFault[] };

export type PlanRead =
  | { readonly ok: true; readonly plan: ChaosPlan }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const FILE = strict({
  name: text.optional(),
  for: duration.optional(),
  timeline: array(z.unknown()),
});

export type PlanSource = {
  readonly path: string;
  readonly view: ClusterView;
  /** The longest that it may go on. */
  readonly maxMs: number;
};

/** Never throws: whatever is wrong is among the problems. */
export function readChaosPlan(written: string, { path, view, maxMs }: PlanSource): PlanRead {
  const document = readDocument(written, path);
  if (!document.ok) return document;
  const findings: Finding[] = [];
  const file = FILE.safeParse(document.plain);
  if (!file.success) findings.push(...findingsOf(file.error, []));
  const forMs = file.data?.for ?? maxMs;
  if (forMs > maxMs)
    findings.push({
      path: ['for'],
      on: 'value',
      message: `it goes on for ${forMs / 1000} s, at most ${maxMs / 1000} s are allowed`,
      next: `allow more with --max ${forMs / 1000}s, or make it shorter`,
    });
  const timeline = readTimeline(file.data?.timeline ?? [], ['timeline'], {
    names: namesIn(view),
    forMs,
    stackOf: () => undefined,
    find: (finding) => findings.push(finding),
  });
  const faults = timeline.flatMap((timed) => linkFault(timed, forMs, findings));
  const problems = findings.map(document.locate);
  if (problems.length > 0) return { ok: false, problems: listProblems(problems) };
  return { ok: true, plan: { forMs, timeline: faults } };
}

function linkFault(
  { atMs, act }: Timed,
  wholeMs: number,
  findings: Finding[],
): readonly LinkFault[] {
  if ('between' in act) {
    const forMs = act.kind === 'reset' ? 0 : Math.min(act.forMs, wholeMs - atMs);
    if (forMs > FAULT_MS_MAX)
      findings.push({
        path: ['timeline'],
        on: 'value',
        message: `\`${act.kind}\` goes on for ${forMs / 1000} s, at most ${FAULT_MS_MAX / 1000} s are possible`,
        next: 'give it a shorter `for`, or do it again with `every` and `times`',
      });
    return [{ atMs, act }];
  }
  const is = act.kind === 'host' ? act.fault.kind : act.kind;
  findings.push({
    path: ['timeline'],
    on: 'value',
    message: `\`${is}\` is nothing that agents can do to themselves`,
    next: 'break their links: cut, clog, lossy or reset; the simulator and the lab do the rest',
  });
  return [];
}

const namesIn = ({ hosts, stacks }: ClusterView): Names => ({
  hosts: hosts.map(({ name }) => name),
  stacks: new Set(stacks.map(({ name }) => name)),
  components: new Set(stacks.flatMap(({ components }) => components.map(({ id }) => id))),
});

/** Whom a line of the plan means now. `hosts`: in the order of the plan's names. */
export function meantIn(
  view: ClusterView,
  hosts: readonly HostId[],
): (who: Who) => readonly HostIndex[] {
  const indexes = (ids: readonly HostId[]): readonly HostIndex[] =>
    hosts.flatMap((id, index) => (ids.includes(id) ? [index] : []));
  const meant = (who: Who): readonly HostIndex[] => {
    switch (who.kind) {
      case 'host':
        return [who.host];
      case 'all':
        return [...hosts.keys()];
      case 'voters':
        return indexes(view.roster.voters);
      case 'leader':
        return indexes(view.leaders.filter(({ key }) => key === who.key).map(({ host }) => host));
      case 'hostOf':
        return indexes(hostsOf(view, who.seat.component, who.seat.slot));
      case 'allBut': {
        const spared = meant(who.whom);
        return [...hosts.keys()].filter((index) => !spared.includes(index));
      }
      case 'each':
        return [...new Set(who.of.flatMap(meant))];
    }
  };
  return meant;
}

const hostsOf = (
  { stacks }: ClusterView,
  id: ComponentId,
  slot: number | undefined,
): readonly HostId[] =>
  stacks
    .flatMap(({ components }) => components)
    .filter((component) => component.id === id)
    .flatMap(({ slots }) => slots)
    .filter((each) => slot === undefined || each.slot === slot)
    .flatMap(({ instance }) => (instance?.state === 'running' ? [instance.host] : []));
