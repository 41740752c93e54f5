/** The standard input of an instance: given once, by the agent that has started it. */
import { EngineError } from '../engine.ts';
import { pour } from '../input.ts';
import { type Instance, isRunning } from './instance.ts';

/** `kill`: where `input` breaks off. */
export async function feedInto(
  instance: Instance,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  kill: () => void,
): Promise<void> {
  const { token, input: stdin } = instance;
  if (!isRunning(instance)) return;
  if (stdin === undefined) {
    const why = 'it has no standard input, was given one already, or was started by another agent';
    throw new EngineError('conflict', `${token} got no input: ${why}`, { permanent: true });
  }
  instance.input = undefined;
  try {
    await pour(input, stdin, signal);
  } catch (error) {
    kill();
    stdin.destroy();
    throw error;
  }
}
