/**
 * A stack told in TypeScript: the same keys as in a Compose file, checked by the compiler, with loops
 * and functions in place of anchors and variables.
 *
 *     node stack.ts | agentctl deploy -f -
 */
import { stringify } from 'yaml';
import type {
  ConfigOptions,
  NetworkOptions,
  OnIsolation,
  SecretOptions,
  Service,
  VolumeOptions,
} from './service.ts';

export type { Healthcheck, Heartbeat, LongPort, LongVolume, Millrace, Service } from './service.ts';

/** `Name`: of the services, `Volume`: of the named volumes; both may be referred to only if they exist. */
export type Stack<Name extends string, Volume extends string> = {
  /** Else that of the folder it is deployed from. */
  readonly name?: string;
  readonly services: { readonly [Key in Name]: Service<NoInfer<Name>, NoInfer<Volume>> };
  readonly volumes?: { readonly [Key in Volume]: VolumeOptions };
  readonly networks?: Readonly<Record<string, NetworkOptions>>;
  readonly configs?: Readonly<Record<string, ConfigOptions>>;
  readonly secrets?: Readonly<Record<string, SecretOptions>>;
  /** For every service that says nothing else. */
  readonly 'x-millrace'?: { readonly on_isolation?: OnIsolation };
};

/**
 * The Compose document that says it. Texts are what they are: a dollar sign stands for itself, since
 * code has variables of its own. What types cannot see is told when it is deployed.
 */
export function defineComponents<const Name extends string, const Volume extends string = never>(
  stack: Stack<Name, Volume>,
): string {
  return stringify(written(stack), { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** Values for a reader that fills in variables; keys have none. Nothing becomes of `undefined`. */
function written(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [key, written(inner)]),
  );
}
