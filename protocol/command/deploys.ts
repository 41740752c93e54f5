/**
 * Deploys and destroys on their way to a stack's leader, and at the leader until they are committed.
 *
 * At the agent a user asked: refused at once without a quorum, but for a change of roster; else sent to the leader, or this host
 * campaigns for the stack itself; asked again until answered or `commandMs` have passed.
 * At the leader: one write at a time, a known deploy id is answered and not applied again.
 *
 * Invariants (R7):
 *  D1 `refused` is said only where nothing can have been written: neither our own write nor a question
 *     to another host has left, or a serving leader, who has read a quorum, said no and no other
 *     question is under way.
 *  D2 `committed` is said only after a quorum has the record on disk.
 *
 * Source: README.md §6, R0, R7.
 */
import { type HostId, type Key, stackKey } from '../base/ids.ts';
import { after, earlier, type Instant } from '../base/time.ts';
import { sameData } from '../base/same.ts';
import { dependentsIn } from '../component/dependents.ts';
import type { CommandResult } from '../effect.ts';
import { COMMANDS_MAX, STACK_CHARS_MAX } from '../limits.ts';
import {
  compareRevision,
  type Committed,
  type Revision,
  showRevision,
  type Stack,
} from '../record/record.ts';
import { isServing, nextRevision, write, type Writer } from '../record/writer.ts';
import type { Roster } from '../roster/roster.ts';
import { journal, send, type Turn } from '../turn.ts';
import type { Deploy, DeployOutcome } from '../wire/message.ts';

/** Asked by a user of this agent. */
type Errand = {
  /** Everyone to be answered: a user may ask again under the same deploy id. */
  readonly commandIds: string[];
  readonly deploy: Deploy;
  readonly until: Instant;
  retryAt: Instant;
  /** A write of ours, or a question to a leader, is on its way (D1). */
  left: boolean;
  /** Questions sent to leaders; one that is unanswered may still arrive, however late. */
  asked: number;
};
/** Written at this leader, not committed yet. */
type Waiting = {
  readonly key: Key;
  readonly revision: Revision;
  readonly deployId: string;
  readonly from: HostId;
};
export type Deploys = {
  /** Rises with every errand that begins or ends. */
  version: number;
  readonly errands: Map<string, Errand>;
  waiting: readonly Waiting[];
  /** Questions sent for deploys that ended here as `unknown`, by id, oldest first (D1). */
  readonly doubtful: Map<string, number>;
};

export const createDeploys = (): Deploys => ({
  version: 0,
  errands: new Map(),
  waiting: [],
  doubtful: new Map(),
});

/** Deploys of unknown outcome remembered; of the oldest it is forgotten that it has left. */
const DOUBTFUL_MAX = 1000;

/** What a deploy meets on this host at this moment. */
export type Scene = {
  readonly roster: Roster;
  readonly quorum: boolean;
  /** The writer of a key whose lease we hold now. */
  readonly writerOf: (key: Key) => Writer | undefined;
  readonly leaderOf: (key: Key) => HostId | undefined;
};

/** Keys to campaign for on behalf of users: stacks that may have no leader yet (R0). */
export function keysWanted(deploys: Deploys): readonly Key[] {
  return [...deploys.errands.values()].map(({ deploy }) => stackKey(deploy.stack));
}

const reply = (turn: Turn, commandId: string, result: CommandResult): void => {
  turn.out.push({ kind: 'reply', commandId, result });
};

export function onCommand(
  deploys: Deploys,
  turn: Turn,
  scene: Scene,
  commandId: string,
  deploy: Deploy,
): void {
  const known = deploys.errands.get(deploy.deployId);
  if (known !== undefined && known.commandIds.length < COMMANDS_MAX) {
    known.commandIds.push(commandId);
    return;
  }
  const asked = deploys.doubtful.get(deploy.deployId);
  const refusal = refuse(deploys, scene, deploy);
  if (refusal !== undefined) {
    const doubtful = known?.left === true || asked !== undefined;
    return reply(turn, commandId, doubtful ? inDoubt(refusal.why) : refusal);
  }
  deploys.version += 1;
  deploys.errands.set(deploy.deployId, {
    commandIds: [commandId],
    deploy,
    until: after(turn.now, turn.config.commandMs),
    retryAt: turn.now,
    left: asked !== undefined,
    asked: asked ?? 0,
  });
  tendDeploys(deploys, turn, scene);
}

/** D1: it was asked for before, and that may have been written. */
const inDoubt = (why: string): DeployOutcome => ({
  kind: 'unknown',
  why: `${why}; but it had been asked for before, and may have been committed then`,
});

type Refusal = Extract<DeployOutcome, { readonly kind: 'refused' }>;

function refuse(deploys: Deploys, scene: Scene, deploy: Deploy): Refusal | undefined {
  const refused = (code: string, why: string): Refusal => ({ kind: 'refused', code, why });
  if (deploys.errands.has(deploy.deployId) || deploys.errands.size >= COMMANDS_MAX)
    return refused('busy', `${deploys.errands.size} deploys are under way here`);
  if (deploy.spec !== undefined && JSON.stringify(deploy.spec).length > STACK_CHARS_MAX)
    return refused('too-large', `a stack may have at most ${STACK_CHARS_MAX} characters`);
  // A change of roster needs a moment until its next voters have been heard: it is waited for.
  if (!scene.quorum && scene.roster.next === undefined)
    return refused('no-quorum', 'this host has not heard a majority of the voters for a second');
  return undefined;
}

/** Repeats what is unanswered, and ends what took too long. */
export function tendDeploys(deploys: Deploys, turn: Turn, scene: Scene): void {
  for (const errand of deploys.errands.values()) {
    if (turn.now >= errand.until) {
      conclude(deploys, turn, errand, expired(errand));
    } else if (turn.now >= errand.retryAt || canLead(scene, errand)) {
      errand.retryAt = after(turn.now, turn.config.retryMs);
      attempt(deploys, turn, scene, errand);
    }
  }
}

/** This host has just become able to write it itself: no need to wait for the retry. */
function canLead(scene: Scene, { deploy }: Errand): boolean {
  const writer = scene.writerOf(stackKey(deploy.stack));
  return writer !== undefined && isServing(writer);
}

/** D1: only where nothing can have been written. */
function expired(errand: Errand): DeployOutcome {
  if (errand.left)
    return {
      kind: 'unknown',
      why: 'the leader did not answer in time; it may have been committed',
    };
  return {
    kind: 'refused',
    code: 'not-leader',
    why: 'no leader of this stack could be found in time',
  };
}

function attempt(deploys: Deploys, turn: Turn, scene: Scene, errand: Errand): void {
  if (!scene.quorum && !errand.left) return; // what has not left can still be refused (D1)
  const key = stackKey(errand.deploy.stack);
  if (scene.writerOf(key) !== undefined) {
    const outcome = lead(deploys, turn, scene, turn.self, errand.deploy);
    if (outcome === 'written') errand.left = true;
    else if (outcome !== 'wait') end(deploys, turn, errand, outcome, errand.asked);
    return;
  }
  const leader = scene.leaderOf(key);
  if (leader === undefined) return; // `keysWanted` makes us campaign
  errand.left = true;
  errand.asked += 1;
  send(turn, leader, errand.deploy);
}

/** Another agent asks us as the leader; silence means: ask again. */
export function onDeploy(
  deploys: Deploys,
  turn: Turn,
  scene: Scene,
  from: HostId,
  message: Deploy,
): void {
  const { deployId } = message;
  if (scene.writerOf(stackKey(message.stack)) === undefined) {
    const outcome: DeployOutcome = { kind: 'refused', code: 'not-leader', why: 'not the leader' };
    return send(turn, from, { kind: 'deployResult', deployId, outcome });
  }
  const outcome = lead(deploys, turn, scene, from, message);
  if (outcome !== 'wait' && outcome !== 'written')
    send(turn, from, { kind: 'deployResult', deployId, outcome });
}

/** Applies a deploy as its stack's leader. */
function lead(
  deploys: Deploys,
  turn: Turn,
  scene: Scene,
  from: HostId,
  deploy: Deploy,
): DeployOutcome | 'written' | 'wait' {
  const key = stackKey(deploy.stack);
  const writer = scene.writerOf(key);
  if (writer === undefined || !isServing(writer)) return 'wait';
  const { record } = writer;
  if (record !== undefined && writer.deployIds.includes(deploy.deployId))
    return { kind: 'committed', revision: record.revision, changed: true };
  const current = record?.value.kind === 'stack' ? record.value : undefined;
  if (deploy.spec === undefined && current?.spec === undefined)
    return { kind: 'refused', code: 'no-such-stack', why: `there is no stack ${deploy.stack}` };
  const unmet = unmetBy(record?.revision, current, deploy);
  if (unmet !== undefined) return { kind: 'refused', code: 'stale', why: unmet };
  if (record !== undefined && deploy.spec !== undefined && sameData(current?.spec, deploy.spec))
    return { kind: 'committed', revision: record.revision, changed: false };
  const since = nextRevision(writer);
  const value: Stack =
    deploy.spec === undefined
      ? { kind: 'stack', ...endedFirst(current), life: (current?.life ?? 0) + 1, since }
      : { kind: 'stack', spec: deploy.spec, life: current?.life ?? 0, since, ...atOf(deploy) };
  const revision = write(writer, turn, scene.roster, value, deploy.deployId);
  // One write at a time: whoever waits for an earlier one of this key was outbid, and asks again.
  const others = deploys.waiting.filter((waiting) => waiting.key !== key);
  deploys.waiting = [...others, { key, revision, deployId: deploy.deployId, from }];
  journal(
    turn,
    'deploy',
    [deploy.stack],
    `${describe(deploy)} as ${revision.term}.${revision.seq}`,
  );
  return 'written';
}

/**
 * How the record differs from what the deploy expects, in words; undefined: it does not. A revision is
 * expected in vain once something was written after it; that a later leader has committed the same
 * again under its own term changes nothing (R3).
 */
function unmetBy(
  revision: Revision | undefined,
  current: Stack | undefined,
  { stack, expect }: Deploy,
): string | undefined {
  if (expect === undefined) return undefined;
  if (expect === 'none')
    return current?.spec === undefined || revision === undefined
      ? undefined
      : `no stack ${stack} was expected, and there is one of revision ${showRevision(revision)}`;
  const wanted = `revision ${showRevision(expect)} of ${stack} was expected`;
  if (revision === undefined || current === undefined)
    return `${wanted}, and there is no such stack`;
  const isStill =
    compareRevision(expect, current.since) >= 0 && compareRevision(expect, revision) <= 0;
  return isStill ? undefined : `${wanted}, and it is now ${showRevision(revision)}`;
}

/** Who ends before whom, of a stack that is destroyed (O3). */
function endedFirst(current: Stack | undefined): Pick<Stack, 'dependents'> {
  const dependents = current?.spec === undefined ? [] : dependentsIn(current.spec);
  return dependents.length === 0 ? {} : { dependents };
}

const atOf = ({ at }: Deploy): Pick<Stack, 'at'> => (at === undefined ? {} : { at });

function describe({ stack, spec }: Deploy): string {
  if (spec === undefined) return `destroying ${stack}`;
  const count = spec.components.length;
  return `deploying ${stack} with ${count} ${count === 1 ? 'component' : 'components'}`;
}

/** A record was committed by us: tell whoever waits for it (D2). */
export function onCommitted(deploys: Deploys, turn: Turn, record: Committed): void {
  const done = deploys.waiting.filter(
    ({ key, revision }) => key === record.key && compareRevision(revision, record.revision) === 0,
  );
  if (done.length === 0) return;
  deploys.waiting = deploys.waiting.filter((waiting) => !done.includes(waiting));
  for (const { deployId, from, revision } of done) {
    const outcome: DeployOutcome = { kind: 'committed', revision, changed: true };
    if (from === turn.self) finish(deploys, turn, deployId, outcome);
    else send(turn, from, { kind: 'deployResult', deployId, outcome });
  }
}

/** We no longer write this key: those who wait are answered by the next leader, or not at all. */
export function onLeadershipLost(deploys: Deploys, key: Key): void {
  deploys.waiting = deploys.waiting.filter((waiting) => waiting.key !== key);
}

/** A host we asked has answered. */
export function onDeployResult(
  deploys: Deploys,
  turn: Turn,
  deployId: string,
  outcome: DeployOutcome,
): void {
  if (outcome.kind === 'refused' && outcome.code === 'not-leader') return; // ask the next one
  finish(deploys, turn, deployId, outcome);
}

function finish(deploys: Deploys, turn: Turn, deployId: string, outcome: DeployOutcome): void {
  const errand = deploys.errands.get(deployId);
  if (errand !== undefined) end(deploys, turn, errand, outcome, errand.asked - 1);
}

/** D1: `unanswered` questions may yet be answered with a write, so that a refusal is not the last word. */
function end(
  deploys: Deploys,
  turn: Turn,
  errand: Errand,
  outcome: DeployOutcome,
  unanswered: number,
): void {
  if (outcome.kind !== 'refused' || unanswered <= 0)
    return conclude(deploys, turn, errand, outcome);
  const why = `${outcome.why}, says its leader; but it was asked more than once, and may yet act on it`;
  conclude(deploys, turn, errand, { kind: 'unknown', why });
}

/** Answers everyone who asked for it here. */
function conclude(
  deploys: Deploys,
  turn: Turn,
  { commandIds, deploy, asked }: Errand,
  outcome: DeployOutcome,
): void {
  const { errands, doubtful } = deploys;
  deploys.version += 1;
  errands.delete(deploy.deployId);
  doubtful.delete(deploy.deployId);
  if (outcome.kind === 'unknown') doubtful.set(deploy.deployId, asked);
  const oldest = doubtful.keys().next().value;
  if (doubtful.size > DOUBTFUL_MAX && oldest !== undefined) doubtful.delete(oldest);
  for (const commandId of commandIds) reply(turn, commandId, outcome);
}

export function deploysDeadline(deploys: Deploys): Instant | undefined {
  let deadline: Instant | undefined;
  for (const { retryAt, until } of deploys.errands.values())
    deadline = earlier(deadline, retryAt < until ? retryAt : until);
  return deadline;
}
