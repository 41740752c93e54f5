/** Reads a core into the plain data of `view.ts`. Changes nothing. */
import {
  type ComponentId,
  componentId,
  componentKey,
  type HostId,
  type Key,
  term as termOf,
} from '../base/ids.ts';
import { sorted } from '../base/order.ts';
import { sameData } from '../base/same.ts';
import { after, between, type Instant, millis, NEVER } from '../base/time.ts';
import { revisionOf, runRevision } from '../component/digest.ts';
import { mergedLabels } from '../component/label.ts';
import type { ComponentSpec, StackSpec } from '../component/spec.ts';
import { hasFreshQuorum } from '../core/hosting.ts';
import { rivalsOf } from '../core/forks.ts';
import { know } from '../core/know.ts';
import type { Report } from '../core/knowledge.ts';
import { type Core, turnOf } from '../core/state.ts';
import { HOST_ENTRY, type InstanceReport } from '../inventory/entry.ts';
import { begunAtOf, entriesOf } from '../inventory/inventories.ts';
import { heldUntil } from '../lease/hold.ts';
import { membersOf, type MemberView } from '../membership/membership.ts';
import { brakeText } from '../placement/brake.ts';
import { hasData } from '../placement/fit.ts';
import { recordsHash } from '../record/committed.ts';
import { type Run, showRevision, type Slot, type SlotEnd } from '../record/record.ts';
import { votersOf } from '../roster/roster.ts';
import { rolloutOf } from './rollout.ts';
import {
  crashNote,
  haltNote,
  isWell,
  jobNote,
  rolloutNote,
  troubleNote,
  waitNote,
} from './note.ts';
import type {
  ClusterView,
  ComponentView,
  HostView,
  InstanceView,
  LeaderView,
  RolloutView,
  SlotView,
  StackView,
} from './view.ts';
import { wantedOf } from './wanted.ts';

export function viewOf(core: Core, now: Instant): ClusterView {
  const { roster } = core.council;
  const turn = turnOf(core, now);
  const others = [...membersOf(core.membership).values()].filter(({ health }) => health !== 'left');
  const alive = others.filter(({ health }) => health === 'alive');
  const hash = recordsHash(core.committed);
  const brake = brakeText(core.brake);
  const rivals = rivalsOf(core, now);
  const unguarded = unguardedHosts(core);
  return {
    cluster: core.identity.cluster,
    from: core.identity.host,
    ageMs: millis(
      Math.max(0, ...alive.filter(wasHeard).map(({ lastHeardAt }) => now - lastHeardAt)),
    ),
    agree: alive.filter(
      ({ heartbeat }) => heartbeat?.epoch === roster.epoch && heartbeat.recordsHash === hash,
    ).length,
    peers: others.length,
    roster,
    ...(rivals.length === 0 ? {} : { rivals }),
    ...(core.cloned ? { copied: true } : {}),
    quorum: core.leases !== undefined && hasFreshQuorum(core, core.leases, turn),
    ...(brake === undefined ? {} : { brake }),
    leaders: leadersOf(core, now),
    hosts: know(core).members.map(({ id, name }) => ({
      ...hostView(core, now, id, name),
      ...(unguarded.has(id) ? { unguarded: true as const } : {}),
    })),
    stacks: stacksOf(core),
  };
}

const wasHeard = ({ lastHeardAt }: MemberView): boolean => lastHeardAt !== NEVER;

function leadersOf(core: Core, now: Instant): readonly LeaderView[] {
  const found = new Map<Key, LeaderView>();
  for (const [key, { host, term }] of know(core).leaders) found.set(key, { key, host, term });
  const { leases } = core;
  if (leases !== undefined) {
    for (const [key, { term }] of leases.holder.holds) {
      const turn = turnOf(core, now);
      const validUntil = heldUntil(leases.holder, leases.links, turn, core.council.roster, key);
      if (term !== undefined && now < validUntil)
        found.set(key, { key, host: core.identity.host, term, validUntil });
    }
  }
  return sorted(found).map(([, leader]) => leader);
}

function hostView(core: Core, now: Instant, id: HostId, name: string): HostView {
  const self = id === core.identity.host;
  const facts = entriesOf(core.inventories, id).get(HOST_ENTRY);
  const believed = membersOf(core.membership).get(id);
  const running = know(core).reports.filter(
    ({ host, report }) => host === id && report.state === 'running',
  );
  return {
    id,
    name,
    self,
    voter: votersOf(core.council.roster).includes(id),
    witness: facts?.kind === 'host' && facts.runs === 'nothing',
    state: self ? 'alive' : (believed?.health ?? 'alive'),
    ...(believed?.backBy === undefined
      ? {}
      : { backWithinMs: millis(Math.max(0, believed.backBy - now)) }),
    ...(know(core).leaving.has(id) ? { leaving: true } : {}),
    ...settingOf(core, id),
    sinceMs: between(self ? core.startedAt : (believed?.since ?? now), now),
    ...(believed === undefined || !wasHeard(believed)
      ? {}
      : { heardMsAgo: between(believed.lastHeardAt, now) }),
    ...(facts?.kind === 'host' ? { engine: facts.engine, agent: facts.agent } : {}),
    ...engineSilence(core, now, id),
    instances: running.length,
  };
}

function settingOf(core: Core, id: HostId): Pick<HostView, 'availability' | 'labels'> {
  const facts = entriesOf(core.inventories, id).get(HOST_ENTRY);
  const member = know(core).members.find((each) => each.id === id);
  const labels = mergedLabels(facts?.kind === 'host' ? facts.labels : {}, member?.labels);
  return {
    ...(member?.availability === undefined ? {} : { availability: member.availability }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

/** Those that could run something strict if a guard answered there, where anything strict is deployed. */
function unguardedHosts(core: Core): ReadonlySet<HostId> {
  const { stacks, members } = know(core);
  const isNeeded = [...stacks.values()].some(({ stack }) =>
    stack.spec?.components.some(({ singleton }) => singleton === 'strict'),
  );
  const isWithout = (id: HostId): boolean => {
    const facts = entriesOf(core.inventories, id).get(HOST_ENTRY);
    return facts?.kind === 'host' && facts.runs !== 'nothing' && facts.guard !== true;
  };
  return new Set(isNeeded ? members.map(({ id }) => id).filter(isWithout) : []);
}

/** What a dead host has said last of its engine is no news. */
function engineSilence(core: Core, now: Instant, id: HostId): Pick<HostView, 'engineSilentMs'> {
  const facts = entriesOf(core.inventories, id).get(HOST_ENTRY);
  const begunAt = begunAtOf(core.inventories, id);
  const health = membersOf(core.membership).get(id)?.health ?? 'alive';
  if (facts?.kind !== 'host' || facts.engineSilentAfterMs === undefined) return {};
  if (begunAt === undefined || health === 'dead' || health === 'left') return {};
  return { engineSilentMs: millis(Math.max(0, now - after(begunAt, facts.engineSilentAfterMs))) };
}

function stacksOf(core: Core): readonly StackView[] {
  const views: StackView[] = [];
  for (const [name, { revision, stack }] of sorted(know(core).stacks)) {
    const { spec } = stack;
    if (spec === undefined) continue;
    const components = spec.components.map((component) => componentView(core, spec, component));
    views.push({ name, revision: showRevision(revision), components });
  }
  return views;
}

const PENDING = 'its leader has yet to decide by what was deployed last';

function componentView(core: Core, stack: StackSpec, spec: ComponentSpec): ComponentView {
  const id = componentId(stack.name, spec.name);
  const { assignments } = know(core);
  const assignment = assignments.get(id);
  const record = assignment === undefined || assignment.isVoid ? undefined : assignment.component;
  const assigned = record?.slots ?? [];
  const run = assignment?.component.run;
  const slots = assigned.map((slot) => slotView(core, id, spec, slot, run));
  const ready = slots.filter(({ instance }) => instance?.state === 'running');
  const healthy = ready.filter(({ instance }) => isWell(instance));
  const leader = leaderOf(core, id);
  const rollout = record === undefined ? undefined : rolloutOf(record, spec);
  // What it decides by is in its record, whatever it changes.
  const isPending = record !== undefined && rollout === undefined && !sameData(record.spec, spec);
  const note = noteOf(core, id, spec, slots, rollout) ?? (isPending ? PENDING : undefined);
  return {
    id,
    wanted: wantedOf(spec),
    running: ready.length,
    healthy: healthy.length,
    revision: revisionOf(spec, stack),
    ...(leader === undefined ? {} : { leader }),
    slots,
    ...(rollout === undefined ? {} : { rollout }),
    ...(isPending ? { pending: true } : {}),
    ...(note === undefined ? {} : { note }),
  };
}

function leaderOf(core: Core, id: ComponentId): ComponentView['leader'] {
  const key = componentKey(id);
  const writer = core.writers.get(key);
  if (writer !== undefined) {
    const term = core.leases?.holder.holds.get(key)?.term ?? writer.term;
    return { host: core.identity.host, term };
  }
  return know(core).leaders.get(key);
}

function slotView(
  core: Core,
  id: ComponentId,
  spec: ComponentSpec,
  { slot, host, ended, from }: Slot,
  run: Run | undefined,
): SlotView {
  const reports = know(core).reports;
  const reportOf = (at: HostId | undefined): Report | undefined =>
    reports.find(
      (entry) => entry.host === at && entry.report.component === id && entry.report.slot === slot,
    );
  const here = reportOf(host);
  // What is handed over is served where it was.
  const found = from === undefined || here?.report.state === 'running' ? here : reportOf(from);
  const instance = found === undefined ? undefined : instanceView(found.host, found.report, run);
  if (ended !== undefined && run !== undefined)
    return {
      slot,
      host,
      instance: endedView(`${id}.${slot}`, host, ended, run, instance),
      ended: ended.state,
    };
  const { health = 'alive', backBy } = membersOf(core.membership).get(host) ?? {};
  const gone = health === 'dead' || health === 'left';
  const waits = backBy !== undefined && hasData(spec);
  const next = waits
    ? 'its host reboots: waits for it'
    : `its host is ${health}: to be placed elsewhere`;
  return {
    slot,
    host,
    ...(instance === undefined || gone ? {} : { instance }),
    ...(from === undefined ? {} : { from }),
    ...(gone ? { note: next } : from === undefined ? {} : { note: `${from} runs it until then` }),
  };
}

/** Of a job: people know its revision, not its run. */
function instanceView(host: HostId, report: InstanceReport, run: Run | undefined): InstanceView {
  const { kind: _, component, slot, ...rest } = report;
  const isOfRun = run !== undefined && rest.revision === runRevision(run);
  const revision = isOfRun ? run.revision : rest.revision;
  return { id: `${component}.${slot}`, host, ...rest, revision };
}

/** By the record, whether its host still tells of it or not. */
function endedView(
  id: string,
  host: HostId,
  { state, attempt = 0, exitCode }: SlotEnd,
  { revision }: Run,
  told: InstanceView | undefined,
): InstanceView {
  if (told !== undefined && told.state === state && told.revision === revision) return told;
  const reason = state === 'failed' && exitCode === undefined ? 'its host was lost' : undefined;
  return {
    id,
    host,
    state,
    health: 'none',
    attempt,
    restarts: 0,
    crashLoop: false,
    revision,
    term: termOf(0),
    ports: [],
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The one thing most worth telling about a component that is not as wanted. */
function noteOf(
  core: Core,
  id: ComponentId,
  spec: ComponentSpec,
  slots: readonly SlotView[],
  rollout: RolloutView | undefined,
): string | undefined {
  const job = spec.job === undefined || slots.length === 0 ? undefined : jobNote(slots);
  const told =
    (job?.isOver === true ? job.text : undefined) ??
    haltNote(rollout) ??
    crashNote(slots) ??
    troubleNote(slots);
  if (told !== undefined) return told;
  if (leaderOf(core, id) === undefined)
    return core.council.roster.epoch > 0 ? 'no leader: nothing can be placed or moved' : undefined;
  const wanted = spec.mode === 'global' ? slots.length : spec.replicas;
  if (slots.length < wanted)
    return core.explained.has(id) ? unplaced(core, id) : `${wanted - slots.length} not placed yet`;
  return rolloutNote(rollout) ?? waitNote(slots) ?? job?.text;
}

function unplaced(core: Core, id: ComponentId): string {
  const last = core.journal.findLast(({ kind, about }) => kind === 'placement' && about[0] === id);
  return last?.text ?? 'cannot be placed';
}
