/** A broken invariant of our own. Never used on what a peer, an engine or a user said. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Stays on in production: the process stops and systemd restarts it. `message` cites the invariant. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** The `default` of a switch that must be exhaustive. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
