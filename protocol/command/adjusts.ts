/**
 * Users who set labels of a host, or cordon, drain and uncordon it. Asked of the leader of `sys/roster`
 * every `retryMs`, by the list of members as it is known here, and answered once that list says so: what
 * another user asks meanwhile is neither undone nor lost.
 */
import { type HostId, ROSTER_KEY } from '../base/ids.ts';
import { after, earlier, type Instant } from '../base/time.ts';
import { labelChars, type Labels } from '../component/label.ts';
import type { CommandResult } from '../effect.ts';
import { COMMANDS_MAX, LABELS_CHARS_MAX, LABELS_MAX } from '../limits.ts';
import type { Member, Setting } from '../record/record.ts';
import { send, type Turn } from '../turn.ts';

export type Change =
  /** `unset`: as the host's own settings have them. */
  | { readonly kind: 'label'; readonly set: Labels; readonly unset: readonly string[] }
  | { readonly kind: 'availability'; readonly to: 'active' | 'cordoned' | 'draining' };

type Request = {
  readonly host: HostId;
  readonly change: Change;
  readonly until: Instant;
  retryAt: Instant;
};
/** By the id of the command. */
export type Adjusts = Map<string, Request>;

export type AdjustScene = {
  readonly quorum: boolean;
  readonly members: readonly Member[];
  /** As the list of members says it. */
  readonly adjusted: number;
  /** Who leads `sys/roster`, ourselves too. */
  readonly leader: HostId | undefined;
};

export function onAdjustCommand(
  adjusts: Adjusts,
  turn: Turn,
  scene: AdjustScene,
  commandId: string,
  { host, change }: { readonly host: HostId; readonly change: Change },
): void {
  const refusal = refuse(adjusts, scene, host, change);
  if (refusal !== undefined) return reply(turn, commandId, refusal);
  const until = after(turn.now, turn.config.commandMs);
  adjusts.set(commandId, { host, change, until, retryAt: turn.now });
  tendAdjusts(adjusts, turn, scene);
}

const reply = (turn: Turn, commandId: string, result: CommandResult): void => {
  turn.out.push({ kind: 'reply', commandId, result });
};

function refuse(
  adjusts: Adjusts,
  { members, quorum }: AdjustScene,
  host: HostId,
  change: Change,
): CommandResult | undefined {
  const refused = (code: string, why: string): CommandResult => ({ kind: 'refused', code, why });
  if (adjusts.size >= COMMANDS_MAX)
    return refused('busy', `${adjusts.size} of these are under way here`);
  const member = members.find(({ id }) => id === host);
  if (member === undefined) return refused('no-such-host', `${host} is no member of this cluster`);
  if (adjustedIn(members, host, changed(member, change)) === undefined)
    return refused(
      'too-many-labels',
      `at most ${LABELS_MAX} on a host, of ${LABELS_CHARS_MAX} characters on all hosts together`,
    );
  if (!quorum)
    return refused('no-quorum', 'this host has not heard a majority of the voters for a second');
  return undefined;
}

/** Answers what has come about, ends what took too long, and asks again for the rest. */
export function tendAdjusts(adjusts: Adjusts, turn: Turn, scene: AdjustScene): void {
  for (const [commandId, request] of adjusts) {
    const { host, change } = request;
    const member = scene.members.find(({ id }) => id === host);
    const setting = member === undefined ? undefined : changed(member, change);
    if (member === undefined || setting === undefined) {
      adjusts.delete(commandId);
      reply(turn, commandId, { kind: 'unknown', why: `${host} is no member of the cluster now` });
    } else if (isSame(settingOf(member), setting)) {
      adjusts.delete(commandId);
      reply(turn, commandId, { kind: 'adjusted', host, setting });
    } else if (turn.now >= request.until) {
      adjusts.delete(commandId);
      reply(turn, commandId, { kind: 'unknown', why: whyNot(scene) });
    } else if (turn.now >= request.retryAt) {
      request.retryAt = after(turn.now, turn.config.retryMs);
      const { leader, adjusted } = scene;
      if (leader !== undefined) send(turn, leader, { kind: 'adjust', host, adjusted, ...setting });
    }
  }
}

const whyNot = ({ leader }: AdjustScene): string =>
  leader === undefined
    ? `nobody is known to lead ${ROSTER_KEY}`
    : `${leader}, which leads ${ROSTER_KEY}, has not written it down`;

const settingOf = ({ labels, availability }: Setting): Setting => ({
  ...(labels === undefined ? {} : { labels }),
  ...(availability === undefined ? {} : { availability }),
});

/** The setting as the user wants it; what it does not speak of stays. */
function changed(member: Member, change: Change): Setting {
  const { labels, availability } = settingOf(member);
  if (change.kind === 'availability') {
    const { to } = change;
    return {
      ...(labels === undefined ? {} : { labels }),
      ...(to === 'active' ? {} : { availability: to }),
    };
  }
  const kept = Object.entries({ ...labels, ...change.set })
    .filter(([name]) => !change.unset.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...(kept.length === 0 ? {} : { labels: Object.fromEntries(kept) }),
    ...(availability === undefined ? {} : { availability }),
  };
}

const isSame = (a: Setting, b: Setting): boolean =>
  a.availability === b.availability && textOf(a.labels) === textOf(b.labels);

/** Sorted by name, wherever they come from. */
const textOf = (labels: Labels = {}): string => JSON.stringify(Object.entries(labels));

/** The members with this one's setting; undefined: it is none, or there would be too many labels. */
export function adjustedIn(
  members: readonly Member[],
  host: HostId,
  setting: Setting,
): readonly Member[] | undefined {
  if (!members.some(({ id }) => id === host)) return undefined;
  if (Object.keys(setting.labels ?? {}).length > LABELS_MAX) return undefined;
  const all = members.map((member): Member => {
    if (member.id !== host) return member;
    const { labels: _labels, availability: _availability, ...rest } = member;
    return { ...rest, ...setting };
  });
  const chars = all.reduce((sum, { labels }) => sum + labelChars(labels), 0);
  return chars > LABELS_CHARS_MAX ? undefined : all;
}

export function tellSetting({ labels = {}, availability }: Setting): string {
  const told = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return `is to be ${availability ?? 'active'}${told.length === 0 ? '' : `, labels ${told.join(' ')}`}`;
}

export function adjustsDeadline(adjusts: Adjusts): Instant | undefined {
  let deadline: Instant | undefined;
  for (const { retryAt, until } of adjusts.values())
    deadline = earlier(deadline, retryAt < until ? retryAt : until);
  return deadline;
}
