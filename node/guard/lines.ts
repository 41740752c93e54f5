/**
 * What an agent and its guard say to each other over a unix socket: one JSON object a line. Instants are
 * milliseconds of the machine's uptime, which counts suspend and is the same for both.
 */
import { uptime } from 'node:os';
import { createInterface } from 'node:readline';
import type { Socket } from 'node:net';
import { z } from 'zod';

const process = z.object({ pid: z.int().positive(), startTicks: z.number(), boot: z.string() });

const FROM_AGENT = z.discriminatedUnion('kind', [
  /** Until when the slot may run here, and since which term; without them: it may not. */
  z.object({
    kind: z.literal('warrant'),
    key: z.string(),
    first: z.int().exactOptional(),
    untilMs: z.number().exactOptional(),
    nonce: z.int(),
  }),
  /** A process waits at the gate, stopped before its first instruction. */
  z.object({
    kind: z.literal('ward'),
    id: z.string(),
    token: z.string(),
    key: z.string(),
    term: z.int(),
    process,
  }),
]);
const FROM_GUARD = z.discriminatedUnion('kind', [
  /** Every 250 ms, and first of all. */
  z.object({ kind: z.literal('alive') }),
  z.object({ kind: z.literal('acknowledged'), nonce: z.int() }),
  /** It runs, stands still, or was killed. */
  z.object({ kind: z.enum(['runs', 'stands', 'killed']), id: z.string() }),
]);
export type FromAgent = z.infer<typeof FROM_AGENT>;
export type FromGuard = z.infer<typeof FROM_GUARD>;

export const HEARTBEAT_MS = 250;
/** Longer silence of a guard means that it is lost. */
export const SILENCE_MS = 1000;

export const uptimeMs = (): number => Math.floor(uptime() * 1000);

export const say = (socket: Socket, line: FromAgent | FromGuard): void =>
  void socket.write(`${JSON.stringify(line)}\n`);

export const hearAgent = (socket: Socket, hear: (line: FromAgent) => void): void =>
  listen(socket, FROM_AGENT, hear);
export const hearGuard = (socket: Socket, hear: (line: FromGuard) => void): void =>
  listen(socket, FROM_GUARD, hear);

/** Whoever says what cannot be read is hung up on. */
function listen<T>(socket: Socket, schema: z.ZodType<T>, hear: (line: T) => void): void {
  const lines = createInterface({ input: socket, crlfDelay: Infinity });
  lines.on('line', (line) => {
    try {
      hear(schema.parse(JSON.parse(line)));
    } catch {
      socket.destroy();
    }
  });
  lines.on('error', () => socket.destroy());
}
