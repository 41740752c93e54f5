/**
 * Does a kernel with an agent answer there? A fresh connect tells a crashed agent (refused at once)
 * from a lost host (silence); an existing connection could say neither.
 */
import { connect } from 'node:net';

export type ProbeOutcome = 'connected' | 'refused' | 'silent';
export type ProbeTarget = { readonly host: string; readonly port: number };

/** Any address that takes the connection counts, then any that refuses it. Never rejects. */
export async function probeAddresses(
  targets: readonly ProbeTarget[],
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const outcomes = await Promise.all(targets.map((target) => probe(target, signal)));
  if (outcomes.includes('connected')) return 'connected';
  return outcomes.includes('refused') ? 'refused' : 'silent';
}

function probe(target: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve('silent');
    const socket = connect({ host: target.host, port: target.port });
    const finish = (outcome: ProbeOutcome): void => {
      signal.removeEventListener('abort', giveUp);
      socket.destroy();
      resolve(outcome);
    };
    const giveUp = (): void => finish('silent');
    signal.addEventListener('abort', giveUp);
    socket.once('connect', () => finish('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'ECONNREFUSED' ? 'refused' : 'silent'),
    );
  });
}
