/**
 * What is known of the health of instances that have a heartbeat, and the asking for it.
 *
 *     attend ──▶ asked again and again ──ended──▶ what was known last ──forget──▶ nothing
 *
 *  1. What has a heartbeat never shows as having no health while it runs: that would pass for well.
 *  2. Only what runs before a question and after it can fail it: one that is frozen cannot answer.
 *  3. Of an instance that was found, not begun, one question goes ahead of the first answer about it, so
 *     that the end of an agent makes nothing look ill that is well.
 */
import type { Heartbeat } from '../../../protocol/component/spec.ts';
import type { EngineInstance } from '../engine.ts';
import { type Health, type Outcome, type Pace, watchHealth } from '../health.ts';
import { reachOf } from '../reach.ts';
import type { Question } from './probe.ts';

/** Longest that the question of invariant 3 keeps an answer waiting. */
const MEET_MS = 250;

export type HeartsInit = {
  /** What the engine says of it now; undefined where it knows none, or says nothing. */
  readonly look: (id: string, signal: AbortSignal) => Promise<EngineInstance | undefined>;
  readonly probe: (question: Question, signal: AbortSignal) => Promise<boolean>;
  readonly changed: (id: string, health: Health) => void;
  readonly pace: Pace;
};

export interface Hearts {
  /** Begins to ask it, unless that has begun; one that has exited is asked no more. */
  attend(instance: EngineInstance, since: 'begun' | 'found'): void;
  /** Resolves when the question of invariant 3 was answered, or none was due. */
  met(id: string): Promise<void>;
  /** With the health that is known here. */
  shown(instance: EngineInstance): EngineInstance;
  /** It is asked no more, but what was known stays. */
  ended(id: string): void;
  forget(id: string): void;
  ids(): readonly string[];
}

type Heart = {
  health: Health;
  /** Aborted once it is asked no more. */
  readonly over: AbortController;
  readonly met: Promise<void>;
};

export function createHearts(init: HeartsInit): Hearts {
  const hearts = new Map<string, Heart>();
  return {
    attend(instance, since) {
      const { id, heartbeat, state } = instance;
      if (heartbeat === undefined || state === 'created') return;
      const known = hearts.get(id);
      if (state === 'exited') known?.over.abort();
      else if (known === undefined || known.over.signal.aborted)
        hearts.set(id, begin({ ...instance, heartbeat }, since, init));
    },
    met: async (id) => hearts.get(id)?.met,
    shown(instance) {
      if (instance.heartbeat === undefined) return instance;
      const known = hearts.get(instance.id)?.health;
      if (known !== undefined) return { ...instance, health: known };
      return instance.state === 'exited' ? instance : { ...instance, health: 'starting' };
    },
    ended: (id) => hearts.get(id)?.over.abort(),
    forget(id) {
      hearts.get(id)?.over.abort();
      hearts.delete(id);
    },
    ids: () => [...hearts.keys()],
  };
}

type Beating = EngineInstance & { readonly heartbeat: Heartbeat };

function begin(instance: Beating, since: 'begun' | 'found', init: HeartsInit): Heart {
  const { id, heartbeat, startedAt } = instance;
  const over = new AbortController();
  const { signal } = over;
  const meet = async (): Promise<void> => {
    const timeoutMs = Math.min(heartbeat.timeoutMs, MEET_MS);
    if ((await ask(init, id, { ...heartbeat, timeoutMs }, signal)) === 'passed')
      heart.health = 'healthy';
  };
  const met = since === 'found' ? meet() : Promise.resolve();
  const heart: Heart = { health: 'starting', over, met };
  const ageMs = startedAt === undefined ? 0 : Math.max(0, Date.now() - Date.parse(startedAt));
  const check = (cut: AbortSignal): Promise<Outcome> => ask(init, id, heartbeat, cut);
  const report = (health: Health): void => {
    heart.health = health;
    init.changed(id, health);
  };
  void met.then(() => {
    const { health } = heart;
    return watchHealth({ terms: heartbeat, health, ageMs, check, report, ...init }, signal);
  });
  return heart;
}

async function ask(
  { look, probe }: HeartsInit,
  id: string,
  { target, timeoutMs }: Omit<Question, 'at'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const runs = async (): Promise<EngineInstance | undefined> => {
    const seen = await look(id, signal);
    return seen?.state === 'running' ? seen : undefined;
  };
  const before = await runs();
  if (before === undefined) return 'uncounted'; // invariant 2
  const at = reachOf(before, target.port);
  if (at !== undefined && (await probe({ target, at, timeoutMs }, signal))) return 'passed';
  return (await runs()) === undefined ? 'uncounted' : 'failed';
}
