/** Makes faults and commands fewer, shorter, narrower, simpler, and closer to each other. */
import { ofMillis } from '../event-queue.ts';
import type { Strike } from '../strike.ts';
import type { Deed, Tape } from '../tape.ts';
import type { Pieces } from './pieces.ts';

type Loose = (deed: Deed) => boolean;

const withoutDeeds = (tape: Tape, gone: readonly Deed[]): Tape => ({
  ...tape,
  deeds: tape.deeds.filter((deed) => !gone.includes(deed)),
});

/** Each fault and each command, as far as they may go at all. */
export const deedsOf = (isLoose: Loose): Pieces<Tape> => ({
  count: ({ deeds }) => deeds.filter(isLoose).length,
  without: (tape, from, to) =>
    withoutDeeds(tape, tape.deeds.filter((deed) => isLoose(deed)).slice(from, to)),
});

/** The same by kinds, each as a whole: all crashes, all exits, all commands but the last. */
export const kindsOf = (isLoose: Loose): Pieces<Tape> => ({
  count: (tape) => groupsOf(tape, isLoose).length,
  without: (tape, from, to) => withoutDeeds(tape, groupsOf(tape, isLoose).slice(from, to).flat()),
});

function groupsOf({ deeds }: Tape, isLoose: Loose): readonly (readonly Deed[])[] {
  const groups = Map.groupBy(deeds.filter(isLoose), (deed) =>
    deed.kind === 'strike' ? deed.strike.kind : deed.kind,
  );
  return [...groups]
    .map(([kind, group]) => (kind === 'command' ? group.slice(0, -1) : group))
    .filter((group) => group.length > 0);
}

const withDeed = (tape: Tape, index: number, deed: Deed): Tape => ({
  ...tape,
  deeds: tape.deeds.with(index, deed),
});

/** The ways of one fault of the network. */
export const waysOf = (index: number): Pieces<Tape> => ({
  count: ({ deeds }) => waysAt(deeds[index]).length,
  without: (tape, from, to) => {
    const deed = tape.deeds[index];
    if (deed?.kind !== 'strike' || !('ways' in deed.strike)) return tape;
    const ways = deed.strike.ways.filter((_, i) => i < from || i >= to);
    return withDeed(tape, index, { ...deed, strike: { ...deed.strike, ways } });
  },
});
const waysAt = (deed: Deed | undefined): readonly unknown[] =>
  deed?.kind === 'strike' && 'ways' in deed.strike ? deed.strike.ways : [];

/** The components of one deploy. */
export const componentsOf = (index: number): Pieces<Tape> => ({
  count: ({ deeds }) => specAt(deeds[index])?.components.length ?? 0,
  without: (tape, from, to) => {
    const deed = tape.deeds[index];
    const spec = specAt(deed);
    // A stack without any component is none.
    if (deed === undefined || spec === undefined || to - from >= spec.components.length)
      return tape;
    const components = spec.components.filter((_, i) => i < from || i >= to);
    return withDeed(tape, index, withSpec(deed, { ...spec, components }));
  },
});

type Spec = Extract<
  Extract<Deed, { readonly kind: 'command' }>['errand']['given'],
  { readonly kind: 'deploy' }
>['spec'];

const specAt = (deed: Deed | undefined): Spec | undefined =>
  deed?.kind === 'command' && deed.errand.given.kind === 'deploy'
    ? deed.errand.given.spec
    : undefined;

function withSpec(deed: Deed, spec: Spec): Deed {
  if (deed.kind !== 'command' || deed.errand.given.kind !== 'deploy') return deed;
  return { ...deed, errand: { ...deed.errand, given: { ...deed.errand.given, spec } } };
}

/** Simpler forms of one deed, the simplest first. */
export function simplerForms(tape: Tape, index: number): readonly Tape[] {
  const deed = tape.deeds[index];
  if (deed === undefined) return [];
  const forms = deed.kind === 'strike' ? simplerStrikes(deed) : simplerCommands(deed);
  return forms.map((form) => withDeed(tape, index, form));
}

const LENGTHS_MS = [10, 100, 500, 1000, 2000, 5000, 10_000];
/** What befalls a host less hard. */
const MILDER = {
  lose: 'crash',
  upgrade: 'crash',
  stop: 'crash',
  reboot: 'lose',
  suspend: 'pause',
} as const;

function simplerStrikes(deed: Extract<Deed, { readonly kind: 'strike' }>): readonly Deed[] {
  const { strike } = deed;
  const milder: readonly Strike[] =
    strike.kind === 'lose' ||
    strike.kind === 'upgrade' ||
    strike.kind === 'stop' ||
    strike.kind === 'reboot' ||
    strike.kind === 'suspend'
      ? [{ kind: MILDER[strike.kind], host: strike.host, forMs: strike.forMs }]
      : [];
  const shorter: readonly Strike[] =
    'forMs' in strike
      ? LENGTHS_MS.filter((forMs) => forMs < strike.forMs).map((forMs) => ({ ...strike, forMs }))
      : [];
  return [...milder, ...shorter].map((form) => ({ ...deed, strike: form }));
}

function simplerCommands(deed: Extract<Deed, { readonly kind: 'command' }>): readonly Deed[] {
  const spec = specAt(deed);
  if (spec === undefined) return [];
  const components = spec.components.map(plainComponent);
  const plain = withSpec(deed, { ...spec, components });
  return JSON.stringify(plain) === JSON.stringify(deed) ? [] : [plain];
}

function plainComponent({ healthcheck, ...rest }: Spec['components'][number]): typeof rest {
  const isPlain = healthcheck === undefined && rest.mode === 'replicated' && rest.replicas <= 1;
  return isPlain ? rest : { ...rest, mode: 'replicated', replicas: 1 };
}

/** This deed and all that follow it, so much earlier. */
export const earlier = (tape: Tape, index: number, by: number): Tape => ({
  ...tape,
  deeds: tape.deeds.map((deed, i) => (i < index ? deed : { ...deed, at: deed.at - by })),
});

/** Time between a deed and the one before it. */
export const gapBefore = ({ deeds }: Tape, index: number): number =>
  (deeds[index]?.at ?? 0) - (deeds[index - 1]?.at ?? 0);

/** All deeds at full moments, as far as their order allows it. */
export function rounded(tape: Tape, toMs: number): Tape {
  const unit = ofMillis(toMs);
  const deeds = tape.deeds.map((deed) => ({
    ...deed,
    at: Math.max(unit, Math.round(deed.at / unit) * unit),
  }));
  return { ...tape, deeds };
}
