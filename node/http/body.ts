import type { Context } from 'hono';
import type { z } from 'zod';
import { ApiRefusal } from './refusal.ts';

/** Longest body of a request: a stack's spec with room to spare. */
export const BODY_BYTES_MAX = 1_048_576;

/** The JSON body of a request, checked. */
export async function bodyOf<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  let read: unknown;
  try {
    read = JSON.parse(await textOf(context));
  } catch (error) {
    if (error instanceof ApiRefusal) throw error;
    throw ApiRefusal.badRequest('its body is no JSON');
  }
  const checked = schema.safeParse(read);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw ApiRefusal.badRequest(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

/** Whoever sends it in chunks has not said how long it is. */
async function textOf({ req }: Context): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of req.raw.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) throw ApiRefusal.tooLarge(BODY_BYTES_MAX);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
