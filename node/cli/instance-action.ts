/** What `kill` and `restart` share: one action on an instance, or on each instance of a component. */
import type { ActionBody } from '../http/api.ts';
import { EXIT } from './failure.ts';
import { asTyped } from './invocation.ts';
import { nothingRuns } from './logs.ts';
import { instanceIds, resolve } from './subject.ts';
import { type Cli, print, printJson } from './terminal.ts';

export type InstanceAction = (id: string) => Promise<ActionBody>;

/** In slot order, one after the other: an error leaves the later ones alone. */
export async function actOnInstances(cli: Cli, word: string, act: InstanceAction): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const subject = resolve(cluster, word, ['instance', 'component']);
  const ids = instanceIds(subject);
  if (ids.length === 0) throw nothingRuns(subject.id);
  for (const id of ids) {
    cli.continues = `${id} was asked for and may still happen; the ones after it were not`;
    const body = await act(id);
    if (cli.json) printJson(cli, body);
    else print(cli, body.done, `  next  ${asTyped(body.next)}`);
  }
  return EXIT.ok;
}
