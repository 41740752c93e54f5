/** What is committed of a stack, to deploy it with a change. */
import { committed } from '../../protocol/wire/record-schema.ts';
import { decode } from '../../protocol/wire/schema.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import type { Cli } from './terminal.ts';

/** As it is committed, and as which revision. */
export async function deployed(cli: Cli, stack: string) {
  const { record } = (await cli.client.inspect(stack, cli.signal)).data;
  const read = decode(committed, record);
  if (read.ok && read.value.value.kind === 'stack' && read.value.value.spec !== undefined)
    return { spec: read.value.value.spec, revision: read.value.value.since };
  throw new Failure({
    code: 'not-found',
    what: `there is no stack ${stack} any more`,
    why: 'it was destroyed meanwhile',
    next: typed('status'),
    exit: EXIT.notFound,
  });
}
