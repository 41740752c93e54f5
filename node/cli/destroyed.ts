/** What is known of a stack that is there no more: what the host that led it has decided last of it. */
import type { EventBody } from '../http/api.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import type { Cli } from './terminal.ts';

/** Hosts remember no more than their newest decisions anyway. */
const LOOK_BACK_MS = 7 * 24 * 3_600_000;

/** `found`, or a `Failure` that says when the stack `word` was destroyed, where it finds none for that. */
export async function orDestroyed<T>(cli: Cli, word: string, found: () => T): Promise<T> {
  try {
    return found();
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code !== 'not-found') throw error;
    throw (await destroyed(cli, word)) ?? error;
  }
}

/** Undefined: nobody remembers that it was. */
async function destroyed(cli: Cli, word: string): Promise<Failure | undefined> {
  let last: EventBody | undefined;
  const query = { sinceMs: LOOK_BACK_MS, follow: false, about: word };
  for await (const event of cli.client.events(query, cli.signal))
    if (event.kind === 'deploy' && event.about.includes(word)) last = event;
  const [, revision] = /^destroying \S+ as (\S+)$/.exec(last?.text ?? '') ?? [];
  if (last === undefined || revision === undefined) return undefined;
  return new Failure({
    code: 'destroyed',
    what: `stack "${word}" was destroyed at ${last.at}`,
    why: `${last.host_name} led it then, and wrote that as revision ${revision}`,
    next: `deploy it again to have it back; who decided what: ${typed('events')}`,
    exit: EXIT.notFound,
  });
}
