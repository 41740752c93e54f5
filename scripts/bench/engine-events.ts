/** What the engine itself says of a kill: which part of the time is its own. */
import Docker from 'dockerode';
import type { Phases } from './phases.ts';

type Told = {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly timeNano: number;
};

/** Milliseconds since `at` (wall clock, ms), where one container was killed and one took its place. */
export async function enginePhases(socketPath: string, at: number): Promise<Phases> {
  const told = await eventsSince(socketPath, at);
  const timeOf = (matches: (event: Told) => boolean): number | undefined => {
    const found = told.find(matches);
    return found === undefined ? undefined : found.timeNano / 1e6 - at;
  };
  const ended = told.find(({ Action }) => Action === 'die')?.Actor.ID;
  const all = {
    'engine: ended': timeOf(({ Action }) => Action === 'die'),
    'engine: next one made': timeOf(
      ({ Type, Action }) => Type === 'container' && Action === 'create',
    ),
    'engine: old one off its network': timeOf(
      ({ Action, Actor }) => Action === 'disconnect' && Actor.Attributes['container'] === ended,
    ),
    'engine: next one on its network': timeOf(
      ({ Action, Actor }) => Action === 'connect' && Actor.Attributes['container'] !== ended,
    ),
    'engine: next one started': timeOf(({ Action }) => Action === 'start'),
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, ms]) => (ms === undefined ? [] : [[name, ms] as const])),
  );
}

async function eventsSince(socketPath: string, at: number): Promise<readonly Told[]> {
  const docker = new Docker({ socketPath, host: '', protocol: 'http' });
  const stream = await docker.getEvents({ since: at / 1000, until: Date.now() / 1000 });
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Told);
}
