/** What an instance was told of those it depends on, as an engine keeps it beside the instance. */
import { z } from 'zod';
import type { Addresses } from '../../protocol/component/addresses.ts';

export const keptAddresses: z.ZodType<Addresses> = z
  .array(
    z.object({
      on: z.string(),
      target: z.int(),
      protocol: z.enum(['tcp', 'udp']),
      at: z.array(z.string()).readonly(),
    }),
  )
  .readonly();

/** Undefined: it was told nothing, or it cannot be read, which is the same: nothing follows from it. */
export function readAddresses(text: string | undefined): Addresses | undefined {
  try {
    return keptAddresses.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}
