/** Stopping all that runs in a container where it is, and letting it go on. */
import type { Container } from 'dockerode';

/** Pauses or resumes; the engine refuses what is done already, and says so of what has ended. */
export async function untilItIs(
  wanted: 'paused' | 'running',
  container: Container,
  cut: AbortSignal,
): Promise<void> {
  try {
    await (wanted === 'paused'
      ? container.pause({ abortSignal: cut })
      : container.unpause({ abortSignal: cut }));
  } catch (error) {
    const { State } = await container.inspect({ abortSignal: cut });
    if (State.Status !== wanted) throw error;
  }
}
