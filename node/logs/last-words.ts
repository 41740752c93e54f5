/**
 * What instances printed before they were removed, for `agentctl logs --previous`: of each slot of this
 * host the last one, its newest lines. In memory only: it ends with the agent.
 */
import type { Engine, EngineInstance, LogLine } from '../engine/engine.ts';

/** Slots remembered; the one that was told longest ago is forgotten. */
const SLOTS_MAX = 256;
/** Of one instance; older lines are left out. */
const LINES_MAX = 1_000;
const CHARS_MAX = 65_536;
/** A removal waits no longer for what the engine has to tell. */
const READ_MS = 2_000;

export type Words = { readonly attempt: number; readonly lines: readonly LogLine[] };

export interface LastWords {
  /** To be awaited before the instance is removed. Never rejects. */
  keep(id: string): Promise<void>;
  of(component: string, slot: number): Words | undefined;
}

export function createLastWords(engine: Engine): LastWords {
  const bySlot = new Map<string, Words>();
  return {
    async keep(id) {
      const signal = AbortSignal.timeout(READ_MS);
      try {
        const { labels, state } = await engine.inspect(id, signal);
        if (state === 'created') return;
        const lines = await newest(engine, id, signal);
        put(bySlot, labels, lines);
      } catch {
        // It goes unheard: nothing depends on it.
      }
    },
    of: (component, slot) => bySlot.get(`${component}.${slot}`),
  };
}

async function newest(
  engine: Engine,
  id: string,
  signal: AbortSignal,
): Promise<readonly LogLine[]> {
  const all: LogLine[] = [];
  let chars = 0;
  for await (const lines of await engine.logs(id, { follow: false, tail: LINES_MAX }, signal)) {
    all.push(...lines);
    chars += lines.reduce((sum, { text }) => sum + text.length, 0);
    while (chars > CHARS_MAX && all.length > 0) chars -= all.shift()?.text.length ?? 0;
  }
  return all;
}

function put(
  bySlot: Map<string, Words>,
  { component, slot, attempt }: EngineInstance['labels'],
  lines: readonly LogLine[],
): void {
  const name = `${component}.${slot}`;
  bySlot.delete(name);
  bySlot.set(name, { attempt, lines });
  const [oldest] = bySlot.keys();
  if (bySlot.size > SLOTS_MAX && oldest !== undefined) bySlot.delete(oldest);
}
