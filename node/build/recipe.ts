/**
 * How an image is made from its context: what the engine is told beside the files. It travels in front of
 * them (`bundle.ts`), and the hash of both is the tag of the image. So a changed file, argument or label is
 * another image, and an unchanged one is the same image on every host.
 */
import { z } from 'zod';

const TEXT = z.string().max(4_096);
const NAMED = z.record(z.string().max(256), z.string().max(32_768));

export const RECIPE = z.object({
  /** Its path in the context. */
  dockerfile: TEXT,
  /** The stage that is wanted; absent: the last one. */
  target: TEXT.exactOptional(),
  args: NAMED,
  labels: NAMED,
  /** What the image is called besides, as the user named it. */
  tags: z.array(TEXT).max(32),
  /** On which network its commands run; absent: the engine's own. */
  network: TEXT.exactOptional(),
  noCache: z.boolean(),
  /** Whether a newer base is looked for first. */
  pull: z.boolean(),
});
export type Recipe = z.infer<typeof RECIPE>;

/** Characters of the hash of a bundle. */
const HASH = /^[0-9a-f]{32}$/;
const BUILT = /^millrace\/[a-z0-9]+(?:[._-][a-z0-9]+)*:([0-9a-f]{32})$/;

export const isHash = (text: string): boolean => HASH.test(text);

/** What the image of a service is called, without the hash that is its tag. */
export function repositoryOf(stack: string, service: string): string {
  const plain = `${stack}-${service}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return `millrace/${plain.replaceAll(/^-+|-+$/g, '')}`;
}

/** Of an image that is built from a bundle; undefined: it is another's, and may be pulled. */
export const hashOf = (image: string): string | undefined => BUILT.exec(image)?.[1];
