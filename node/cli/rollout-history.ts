/** The revisions that a component has had, by its record. */
import type { ComponentId } from '../../protocol/base/ids.ts';
import type { Past } from '../../protocol/record/record.ts';
import { committed } from '../../protocol/wire/record-schema.ts';
import { decode } from '../../protocol/wire/schema.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import type { Cli } from './terminal.ts';

/** The oldest first and the present one last, each with its spec where that is kept. */
export async function historyOf(
  cli: Cli,
  id: ComponentId,
): Promise<{ readonly history: readonly Past[] }> {
  const { record } = (await cli.client.inspect(id, cli.signal)).data;
  const read = decode(committed, record);
  const value = read.ok ? read.value.value : undefined;
  if (value?.kind !== 'component' || value.history === undefined)
    throw new Failure({
      code: 'no-history',
      what: `${id} has no revisions to tell of`,
      why:
        value?.kind === 'component' && value.spec.job !== undefined
          ? 'it is a job: when it changes it runs anew'
          : 'nothing of it is decided yet',
      next: typed(`status ${id}`),
      exit: EXIT.notFound,
    });
  const { history, revision, spec, rollout } = value;
  const kept = new Map(rollout?.former.map((version) => [version.revision, version.spec]));
  if (revision !== undefined) kept.set(revision, spec);
  return {
    history: history.map((past) => {
      const its = past.spec ?? kept.get(past.revision);
      return its === undefined ? past : { ...past, spec: its };
    }),
  };
}
