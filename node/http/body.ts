import type { Context } from 'hono';
import type { z } from 'zod';
import { ApiRefusal } from './refusal.ts';

/** The JSON body of a request, checked. */
export async function bodyOf<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  let read: unknown;
  try {
    read = await context.req.json();
  } catch {
    throw ApiRefusal.badRequest('its body is no JSON');
  }
  const checked = schema.safeParse(read);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw ApiRefusal.badRequest(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}
