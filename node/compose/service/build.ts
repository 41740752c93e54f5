/** What an image of the stack is built from. The files themselves are read when it is deployed. */
import type { Dockerfile } from '../../build/context.ts';
import { type Recipe, repositoryOf } from '../../build/recipe.ts';
import { array, complain, flag, mapping, namedTexts, text, ways } from '../fields.ts';
import { isRemote, REMOTE } from '../merge/remote.ts';
import { adviseNumbers } from '../numbers.ts';
import { fullPath } from '../read/reader.ts';
import { environmentField, readVariables } from './environment.ts';
import type { Surroundings } from './surroundings.ts';

/** `folder`: the context, absolute. */
export type BuildSource = Omit<Recipe, 'dockerfile'> & {
  readonly folder: string;
  readonly dockerfile: Dockerfile;
};

const contextField = text.transform((written, context) => {
  if (isRemote(written)) return complain(context, REMOTE);
  if (written !== '') return written;
  return complain(context, { message: 'expected the path of a folder, got ""' });
});

const options = mapping({
  context: contextField.optional(),
  dockerfile: text.optional(),
  dockerfile_inline: text.optional(),
  args: environmentField.optional(),
  labels: namedTexts.optional(),
  target: text.optional(),
  network: text.optional(),
  tags: array(text.min(1, { error: 'expected the name of an image' })).optional(),
  no_cache: flag.optional(),
  pull: flag.optional(),
});
type Options = ReturnType<typeof options.parse>;

export const buildField = ways<Options>('the path of a folder or a mapping', {
  text: contextField.transform((folder): Options => ({ context: folder })),
  mapping: options,
});

type Fields = { readonly build?: Options | undefined; readonly image?: string | undefined };

/**
 * What its image is called, without the tag that its files will give it; undefined: it is not built. What
 * the user calls it is one more name of the image, not the one it is known by: that would be the same for
 * other files.
 */
export function readBuild(name: string, fields: Fields, around: Surroundings): string | undefined {
  const { build, image } = fields;
  if (build === undefined) return undefined;
  const { context = '.', dockerfile, dockerfile_inline: inline } = build;
  const { errors, spotOf, builds } = around;
  const at = (...steps: readonly string[]) => ['services', name, 'build', ...steps];
  if (dockerfile !== undefined && inline !== undefined) {
    const message = 'has no meaning beside dockerfile_inline';
    errors.push({ path: at('dockerfile'), on: 'key', message, next: 'keep one of the two' });
  }
  const { target = '', network = '' } = build;
  adviseNumbers(at('labels'), build.labels ?? {}, around);
  const file: Dockerfile = { kind: 'file', file: dockerfile || 'Dockerfile' };
  builds.set(name, {
    folder: fullPath(spotOf(at('context')).source, context),
    dockerfile: inline === undefined ? file : { kind: 'inline', text: inline },
    args: argsOf(name, build, around),
    labels: build.labels ?? {},
    tags: [...new Set([...(image === undefined ? [] : [image]), ...(build.tags ?? [])])],
    ...(target !== '' && { target }),
    ...(network !== '' && { network }),
    noCache: build.no_cache ?? false,
    pull: build.pull ?? false,
  });
  return repositoryOf(around.stack, name);
}

function argsOf(name: string, { args = [] }: Options, around: Surroundings): Recipe['args'] {
  const read = readVariables(args, ['services', name, 'build', 'args'], 'build', around);
  return Object.fromEntries(
    [...read].flatMap(([arg, value]) => (value === undefined ? [] : [[arg, value]])),
  );
}
