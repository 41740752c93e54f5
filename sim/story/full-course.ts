/**
 * One run in full: every step, what each host said to whom, when it arrived and what was done about it.
 * Messages are known by their identity: the world hands them on as they are.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { DiskWrite, Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import type { Host } from '../host.ts';
import { type Outcome, type RunOptions, simulate } from '../run.ts';
import type { HostIndex } from '../strike.ts';
import type { Deed, Tape } from '../tape.ts';
import type { World } from '../world.ts';

export type Step = {
  readonly at: Micros;
  readonly host: HostId;
  readonly input: Input;
  readonly effects: readonly Effect[];
  /** What it is the receipt of. */
  readonly cause: Sent | undefined;
  /** In the order of its effects. */
  readonly sent: Sent[];
};

/** One message to one host. */
export type Sent = {
  readonly message: Message;
  readonly step: Step;
  readonly from: HostId;
  /** Undefined: by gossip, to all. */
  readonly to: HostId | undefined;
  /** When it left, behind the writes that it waited for; undefined: never. */
  leftAt: Micros | undefined;
  /** The steps it arrived in: none if it was lost, several if it was doubled or gossiped. */
  readonly arrivals: Step[];
};

/** `write`: what was under way on the disk of the host struck, and whether it came through. */
export type DeedDone = {
  readonly deed: Deed;
  write?: { readonly names: readonly string[]; readonly isKept: boolean };
};

export type FullCourse = {
  readonly outcome: Outcome;
  readonly endedAt: Micros;
  readonly steps: readonly Step[];
  /** In which a rule was broken, or whose message broke it on leaving; undefined: in none, or unknown. */
  readonly breaking: Step | undefined;
  readonly deeds: readonly DeedDone[];
  /** Who was healed when the faults ended; undefined: they had not. */
  readonly calm: { readonly at: Micros; readonly core: readonly HostIndex[] } | undefined;
};

type Recorder = {
  readonly steps: Step[];
  readonly deeds: DeedDone[];
  readonly byMessage: Map<Message, Sent[]>;
  /** Of each effect, and of each write to the disk. */
  readonly byEffect: Map<Effect | readonly DiskWrite[], Step>;
  world: World | undefined;
  /** Looks what has become of a write that was cut off. */
  settleWrite: (() => void) | undefined;
  isBroken: boolean;
  /** Whatever has happened last before a rule broke: a step, or an effect of one that had waited. */
  latest: { readonly at: Micros; readonly step: Step } | undefined;
};

export function playInFull(tape: Tape, look: RunOptions['look']): FullCourse {
  const recorder: Recorder = {
    steps: [],
    deeds: [],
    byMessage: new Map(),
    byEffect: new Map(),
    world: undefined,
    settleWrite: undefined,
    isBroken: false,
    latest: undefined,
  };
  const outcome = simulate(tape.options, {
    tape,
    ...(look === undefined ? {} : { look }),
    narrate: (atMs, host, input, effects) =>
      noteStep(recorder, ofMillis(atMs), host, input, effects),
    onBegun({ world }, host, effect) {
      recorder.world = world;
      noteLatest(recorder, world.queue.now, recorder.byEffect.get(effect));
      if (effect.kind === 'send')
        noteLeft(recorder, world.queue.now, host.id, effect.message, effect.to);
      if (effect.kind === 'publish') noteLeft(recorder, world.queue.now, host.id, effect.message);
    },
    onSynced: (writes) =>
      noteLatest(recorder, recorder.world?.queue.now ?? 0, recorder.byEffect.get(writes)),
    onDeed: (deed) => noteDeed(recorder, deed),
    onBroken: () => void (recorder.isBroken = true),
  });
  settleWrite(recorder);
  const { steps, deeds, world } = recorder;
  const calm =
    world?.core === undefined
      ? undefined
      : { at: ofMillis(tape.options.stormMs), core: [...world.core] };
  const endedAt = world?.queue.now ?? 0;
  return { outcome, endedAt, steps, breaking: breakingStep(recorder, outcome), deeds, calm };
}

/** An expectation is broken between two steps; of an assertion the step has no end. */
function breakingStep({ latest, world }: Recorder, { verdict }: Outcome): Step | undefined {
  if (verdict.kind !== 'unsafe') return undefined;
  if (verdict.rule === 'expectation' || verdict.rule === 'assertion') return undefined;
  return latest?.at === world?.queue.now ? latest?.step : undefined;
}

function noteLatest(recorder: Recorder, at: Micros, step: Step | undefined): void {
  if (step !== undefined && !recorder.isBroken) recorder.latest = { at, step };
}

function noteStep(
  recorder: Recorder,
  at: Micros,
  { id }: Host,
  input: Input,
  effects: readonly Effect[],
): void {
  settleWrite(recorder);
  const { byMessage, byEffect, steps } = recorder;
  const cause = 'message' in input ? causeOf(recorder, id, input) : undefined;
  const step: Step = { at, host: id, input, effects, cause, sent: [] };
  noteLatest(recorder, at, step);
  for (const effect of effects) {
    byEffect.set(effect, step);
    if (effect.kind === 'persist') byEffect.set(effect.writes, step);
    if (effect.kind !== 'send' && effect.kind !== 'publish') continue;
    const { message } = effect;
    const to = effect.kind === 'send' ? effect.to : undefined;
    const one: Sent = { message, step, from: id, to, leftAt: undefined, arrivals: [] };
    byMessage.set(message, [...(byMessage.get(message) ?? []), one]);
    step.sent.push(one);
  }
  cause?.arrivals.push(step);
  steps.push(step);
}

const causeOf = (
  { byMessage }: Recorder,
  host: HostId,
  { kind, message }: Extract<Input, { readonly message: Message }>,
): Sent | undefined => {
  const wanted = kind === 'gossipReceived' ? undefined : host;
  return byMessage.get(message)?.find(({ from, to }) => from !== host && to === wanted);
};

function noteLeft(
  { byMessage }: Recorder,
  now: Micros,
  from: HostId,
  message: Message,
  to?: HostId,
): void {
  for (const sent of byMessage.get(message) ?? [])
    if (sent.from === from && sent.to === to) sent.leftAt ??= now;
}

/** Before anything else happens: the next agent writes the same names again. */
function settleWrite(recorder: Recorder): void {
  recorder.settleWrite?.();
  recorder.settleWrite = undefined;
}

function noteDeed(recorder: Recorder, deed: Deed): void {
  settleWrite(recorder);
  const done: DeedDone = { deed };
  recorder.deeds.push(done);
  if (deed.kind !== 'strike' || !('host' in deed.strike)) return;
  const disk = recorder.world?.hosts[deed.strike.host]?.disk;
  const writes = disk?.pending;
  if (disk === undefined || writes === undefined) return;
  const { kind } = deed.strike;
  if (kind !== 'crash' && kind !== 'lose' && kind !== 'upgrade' && kind !== 'stop') return;
  recorder.settleWrite = () => {
    const isKept = writes.every(({ name, value }) => disk.durable.get(name) === value);
    done.write = { names: writes.map(({ name }) => name), isKept };
  };
}
