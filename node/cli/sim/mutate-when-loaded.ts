/**
 * Makes this thread run a mutant: from now on the mutant's one file is changed while it is loaded.
 * Nothing that leads to that file may have been imported before.
 */
import { type LoadFnOutput, registerHooks } from 'node:module';
import { mutate, type Mutant } from '../../../sim/mutants/mutant.ts';

export function mutateWhenLoaded(mutant: Mutant): void {
  const target = new URL(`../../../${mutant.file}`, import.meta.url).href;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== target) return loaded;
      const source = mutate(mutant, textOf(loaded.source));
      if (source === undefined) throw new Error(`the place of ${mutant.name} is not in ${url}`);
      return { ...loaded, source };
    },
  });
}

const textOf = (source: LoadFnOutput['source']): string =>
  typeof source === 'string' ? source : new TextDecoder().decode(source);
