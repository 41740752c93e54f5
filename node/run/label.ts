/** What marks a one-off task, on the only component of its stack; users cannot write it. */
import type { ComponentSpec } from '../../protocol/component/spec.ts';

const RUN_LABEL = 'io.millrace.run';
const WITH_INPUT = 'input';

export const runLabel = (task: { readonly input: boolean }): Readonly<Record<string, string>> => ({
  [RUN_LABEL]: task.input ? WITH_INPUT : '1',
});

export const isRun = ({ container }: ComponentSpec): boolean =>
  container?.labels?.[RUN_LABEL] !== undefined;

/** Its standard input is brought to it once it runs (`Engine.feed`). Of all else that is empty. */
export const hasInput = ({ container }: ComponentSpec): boolean =>
  container?.labels?.[RUN_LABEL] === WITH_INPUT;
