/** What an engine in memory makes of a start: it runs at once, and its open ports are as an engine chooses them. */
import type { Effect } from '../../../protocol/effect.ts';
import type { Observed } from '../../../protocol/input.ts';

type Start = Extract<Effect, { readonly kind: 'startInstance' }>;

/** The first of the ports that the engine chooses. */
const EPHEMERAL = 32_768;

/** `count`: of those it has made, this one too. */
export function instanceOf(host: string, count: number, start: Start): Observed {
  const { component, slot, attempt, revision, term, spec, addresses } = start;
  const ports = spec.ports.map(({ target, published }) => ({
    target,
    address: '0.0.0.0',
    published: published ?? EPHEMERAL + count,
  }));
  const told = addresses === undefined ? {} : { addresses };
  const labels = {
    engineId: `${host}-${count}`,
    component,
    slot,
    attempt,
    revision,
    term,
    ...told,
  };
  return { ...labels, state: 'running', health: 'none', ports };
}
