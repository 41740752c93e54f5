/**
 * What an agent and its guard say to each other over a unix socket: one JSON object a line. Instants are
 * milliseconds of the machine's uptime, which counts suspend and is the same for both.
 */
import { uptime } from 'node:os';
import { createInterface } from 'node:readline';
import type { Socket } from 'node:net';
import { z } from 'zod';

const gate = z.object({
  driver: z.enum(['cgroupfs', 'systemd']),
  name: z.string().regex(/^[0-9a-f]{16}$/),
});
/** What a guard has its hand on. */
const body = z.discriminatedUnion('kind', [
  /** A group of processes, by its leader. */
  z.object({
    kind: z.literal('process'),
    pid: z.int().positive(),
    startTicks: z.number(),
    boot: z.string(),
  }),
  /** Whatever is below this gate. */
  z.object({ kind: z.literal('container'), gate }),
]);
export type Body = z.infer<typeof body>;

const FROM_AGENT = z.discriminatedUnion('kind', [
  /** Until when the slot may run here, and since which term; without them: it may not. */
  z.object({
    kind: z.literal('warrant'),
    key: z.string(),
    first: z.int().exactOptional(),
    untilMs: z.number().exactOptional(),
    nonce: z.int(),
  }),
  /**
   * An instance waits at the gate: a process stopped before its first instruction, a container that is
   * made and that nobody has started.
   */
  z.object({
    kind: z.literal('ward'),
    id: z.string(),
    token: z.string(),
    key: z.string(),
    term: z.int(),
    body,
  }),
  /** The container that was let in has begun, with this main process. */
  z.object({ kind: z.literal('begun'), id: z.string(), pid: z.int().positive() }),
  /** No engine can start this container any more: its gate may go. */
  z.object({ kind: z.literal('removed'), gate }),
]);
const FROM_GUARD = z.discriminatedUnion('kind', [
  /** Every 250 ms, and first of all: which cgroups it can reach, or why none. */
  z.object({
    kind: z.literal('alive'),
    cgroups: z.enum(['v1', 'v2']).exactOptional(),
    why: z.string().exactOptional(),
  }),
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
