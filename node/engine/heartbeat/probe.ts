/** Asks an instance once whether it is well. */
import { request } from 'node:http';
import type { Heartbeat } from '../../../protocol/component/spec.ts';
import { VERSION } from '../../config.ts';
import { probeAddresses } from '../../network/connect-probe.ts';
import type { Reach } from '../reach.ts';

export type Question = {
  readonly target: Heartbeat['target'];
  readonly at: Reach;
  readonly timeoutMs: number;
};

/** Never rejects; what has not answered in time is not well. */
export function probeOnce(
  { target, at, timeoutMs }: Question,
  signal: AbortSignal,
): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  return target.kind === 'http' ? answers(target.path, at, limit) : accepts(at, limit);
}

function answers(path: string, { address, port }: Reach, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  // A connection of its own each time: one that was kept says nothing of who comes anew.
  const headers = { 'user-agent': `millrace/${VERSION}`, connection: 'close' };
  const call = request({ host: address, port, path, headers, agent: false, signal });
  call.once('response', (response) => {
    const { statusCode = 0 } = response;
    resolve(statusCode >= 200 && statusCode < 400);
    response.destroy();
  });
  call.on('error', () => resolve(false));
  call.end();
  return promise;
}

const accepts = async ({ address, port }: Reach, signal: AbortSignal): Promise<boolean> =>
  (await probeAddresses([{ host: address, port }], signal)) === 'connected';
