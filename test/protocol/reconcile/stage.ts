/** A host's slots on a stage: events in, one line per event out. Also the specs that tests are made of. */
import { componentId, type ComponentId, boot, hostId, term } from '../../../protocol/base/ids.ts';
import { createPrng } from '../../../protocol/base/prng.ts';
import { instant, seconds } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { LAN } from '../../../protocol/config.ts';
import type { Effect } from '../../../protocol/effect.ts';
import type { Observed } from '../../../protocol/input.ts';
import { instanceEntry } from '../../../protocol/inventory/entry.ts';
import {
  createSlots,
  onDrifted,
  onExited,
  onFrozen,
  onHealth,
  onListed,
  onRefused,
  onRemoved,
  onRestartCommand,
  onStarted,
  type DesiredSlot,
  reconcile,
  reportsOf,
  type RivalSlot,
  type Slots,
  slotsDeadline,
  type Wait,
} from '../../../protocol/reconcile/slots.ts';
import type { SlotLease } from '../../../protocol/reconcile/table.ts';
import type { Turn } from '../../../protocol/turn.ts';

export const WEB: ComponentId = componentId('shop', 'web');

export const spec = (changes: Partial<ComponentSpec>): ComponentSpec => ({
  name: 'web',
  mode: 'replicated',
  replicas: 1,
  environment: {},
  ports: [],
  volumes: [],
  restart: { kind: 'always' },
  dependsOn: [],
  stopGraceMs: seconds(10),
  ...changes,
});

export const desired = (changes: Partial<DesiredSlot> = {}): DesiredSlot => ({
  component: WEB,
  slot: 1,
  spec: spec({}),
  revision: 'r1',
  term: term(7),
  mayStart: true,
  ...changes,
});

export const observed = (changes: Partial<Observed> = {}): Observed => ({
  engineId: `e${changes.attempt ?? 1}`,
  component: WEB,
  slot: 1,
  attempt: 1,
  revision: 'r1',
  term: 7,
  state: 'running',
  health: 'none',
  ports: [],
  ...changes,
});

export type Stage = {
  readonly slots: Slots;
  /** What the core wants; change it between steps. */
  wanted: readonly DesiredSlot[];
  unwanted: (component: ComponentId, slot: number) => boolean;
  /** Of every slot that is unwanted. */
  wait: Wait | undefined;
  rivals: readonly RivalSlot[];
  hold: boolean;
  /** Of every slot; undefined: none is strict. */
  lease: SlotLease | undefined;
  readonly lines: string[];
  readonly said: string[];
  /** Effects of the last step, but for the journal. */
  effects: readonly Effect[];
  now: number;
  /** One event, then one look at what is wanted. */
  readonly step: (at: number, label: string, event?: (slots: Slots, turn: Turn) => void) => void;
};

/** `record` false: no lines, for tests that take very many steps. */
export function stage(wanted: readonly DesiredSlot[] = [desired()], record = true): Stage {
  const prng = createPrng(1);
  const self: Stage = {
    slots: createSlots(),
    wanted,
    unwanted: () => true,
    wait: undefined,
    rivals: [],
    hold: false,
    lease: undefined,
    lines: [],
    said: [],
    effects: [],
    now: 0,
    step(at, label, event) {
      const out: Effect[] = [];
      self.now = at;
      const turn: Turn = {
        now: instant(at),
        config: LAN,
        self: hostId('h1'),
        boot: boot(1),
        prng,
        out,
      };
      event?.(self.slots, turn);
      reconcile(self.slots, turn, {
        desired: self.wanted,
        unwanted: self.unwanted,
        waitOf: () => self.wait,
        rivals: self.rivals,
        leaseOf: () => self.lease,
        holdStarts: self.hold,
      });
      self.effects = out.filter(({ kind }) => kind !== 'journal');
      if (!record) return;
      for (const effect of out) if (effect.kind === 'journal') self.said.push(effect.text);
      self.lines.push(line(self, at, label));
    },
  };
  return self;
}

function line({ slots, effects }: Stage, at: number, label: string): string {
  const report = reportsOf(slots).get(instanceEntry(WEB, 1));
  const marks = report === undefined ? [] : [report.health === 'none' ? '' : report.health];
  if (report?.crashLoop === true) marks.push('crash loop');
  const state =
    report === undefined
      ? '-'
      : [`${report.attempt} ${report.state}`, ...marks].filter(Boolean).join(' ');
  const why = report?.reason === undefined ? '' : ` "${report.reason}"`;
  const due = slotsDeadline(slots);
  return [
    `${at} ${label}: ${state}${why}${due === undefined ? '' : ` due ${due}`}`,
    ...effects.map(showEffect),
  ].join(' | ');
}

export function showEffect(effect: Effect): string {
  if (effect.kind === 'startInstance')
    return `start ${effect.component}.${effect.slot} #${effect.attempt} ${effect.revision}`;
  if (effect.kind === 'stopInstance') return `stop ${effect.engineId} in ${effect.graceMs}`;
  return effect.kind === 'removeInstance' ? `remove ${effect.engineId}` : effect.kind;
}

export const list = (s: Stage, at: number, ...instances: readonly Observed[]): void =>
  s.step(
    at,
    `listed ${instances.map(({ engineId }) => engineId).join(' ') || 'nothing'}`,
    (slots, turn) => onListed(slots, turn, instances),
  );
export const started = (
  s: Stage,
  at: number,
  attempt: number,
  changes: Partial<Observed> = {},
): void =>
  s.step(at, `e${attempt} started`, (slots, turn) =>
    onStarted(slots, turn, observed({ attempt, ...changes })),
  );
export const exited = (s: Stage, at: number, attempt: number, exitCode: number): void =>
  s.step(at, `e${attempt} exited ${exitCode}`, (slots, turn) =>
    onExited(slots, turn, { engineId: `e${attempt}`, exitCode, oomKilled: false }),
  );
export const health = (s: Stage, at: number, attempt: number, to: 'healthy' | 'unhealthy'): void =>
  s.step(at, `e${attempt} ${to}`, (slots, turn) => onHealth(slots, turn, `e${attempt}`, to));
/** Without words: it is again as it was made. */
export const drifted = (s: Stage, at: number, attempt: number, drift?: string): void =>
  s.step(at, `e${attempt} ${drift ?? 'as made'}`, (slots, turn) =>
    onDrifted(slots, turn, `e${attempt}`, drift),
  );
export const frozen = (s: Stage, at: number, attempt: number, isFrozen: boolean): void =>
  s.step(at, `e${attempt} ${isFrozen ? 'frozen' : 'thawed'}`, (slots, turn) =>
    onFrozen(slots, turn, `e${attempt}`, isFrozen),
  );
export const removed = (s: Stage, at: number, attempt: number): void =>
  s.step(at, `e${attempt} removed`, (slots, turn) => onRemoved(slots, turn, `e${attempt}`));
export const refused = (s: Stage, at: number, attempt: number, permanent: boolean): void =>
  s.step(at, `#${attempt} refused`, (slots, turn) =>
    onRefused(slots, turn, {
      component: WEB,
      slot: 1,
      attempt,
      permanent,
      reason: 'no such image',
    }),
  );
export const restart = (s: Stage, at: number): void =>
  s.step(at, 'user restarts', (slots, turn) => onRestartCommand(slots, turn, WEB, 1));
export const wake = (s: Stage, at: number): void => s.step(at, 'woken');
export const trace = (s: Stage): string => s.lines.join('\n');
export const said = (s: Stage): string => s.said.join('\n');
