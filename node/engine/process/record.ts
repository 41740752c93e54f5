/**
 * What the engine remembers of one instance: `record.json` in the instance's own folder, replaced as
 * a whole by a rename.
 *
 * Nothing is flushed to the disk. A record only has to outlive the agent, and the kernel keeps it for
 * that; what would outlive the kernel is of no use, because every process it tells of is gone too.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Heartbeat } from '../../../protocol/component/spec.ts';
import { decode } from '../../../protocol/wire/schema.ts';
import { heartbeat } from '../../../protocol/wire/spec-schema.ts';
import { EngineError } from '../engine.ts';
import { keptAddresses } from '../kept-addresses.ts';

const checkSchema = z.object({
  words: z.array(z.string()).min(1).readonly(),
  intervalMs: z.number(),
  timeoutMs: z.number(),
  retries: z.number(),
  startPeriodMs: z.number(),
  environment: z.record(z.string(), z.string()),
  workingDir: z.string(),
});

const labelsSchema = z.object({
  component: z.string(),
  slot: z.int(),
  attempt: z.int(),
  revision: z.string(),
  term: z.int(),
  addresses: keptAddresses.exactOptional(),
});

const recordSchema = z.object({
  format: z.literal(1),
  labels: labelsSchema,
  /** RFC 3339; the moment before the process was made. */
  startedAt: z.string(),
  ports: z
    .array(
      z.object({
        target: z.number(),
        address: z.string(),
        published: z.number(),
        protocol: z.literal('udp').exactOptional(),
      }),
    )
    .readonly(),
  check: checkSchema.exactOptional(),
  heartbeat: z.custom<Heartbeat>((value) => decode(heartbeat, value).ok).exactOptional(),
  health: z.enum(['none', 'starting', 'healthy', 'unhealthy']),
  /** Absent: the process is about to be made, or the agent ended before it could write this down. */
  process: z
    .object({ pid: z.int().positive(), startTicks: z.number(), boot: z.string() })
    .exactOptional(),
  /** Present: it has ended. */
  exitCode: z.int().exactOptional(),
});

export type InstanceRecord = z.infer<typeof recordSchema>;
/** One that has a process. */
export type StartedRecord = InstanceRecord & Required<Pick<InstanceRecord, 'process'>>;

const recordPath = (folder: string): string => join(folder, 'record.json');

/** The calls for one folder must follow each other. */
export async function writeRecord(folder: string, record: InstanceRecord): Promise<void> {
  const draft = `${recordPath(folder)}.tmp`;
  // The environment of the healthcheck may hold secrets.
  await writeFile(draft, JSON.stringify(record), { mode: 0o600 });
  await rename(draft, recordPath(folder));
}

/** Undefined: there is none, or none that can be read. */
export async function readRecord(folder: string): Promise<InstanceRecord | undefined> {
  try {
    const parsed = recordSchema.safeParse(JSON.parse(await readFile(recordPath(folder), 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** With all that is in it: its record, its log; and what was made for it elsewhere. */
export async function removeFolder(
  folder: string,
  token: string,
  elsewhere: { readonly remove: (token: string) => Promise<void> },
): Promise<void> {
  try {
    // A rotation under way may still put a file into it: then once more.
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    await elsewhere.remove(token);
  } catch (cause) {
    const message = `${token} was not removed: ${folder} is still there (${String(cause)}); delete it`;
    throw new EngineError('failed', message, { cause });
  }
}
