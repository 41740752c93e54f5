/** Profiles: services that run only if one of theirs is asked for. */
import type { Finding } from '../problems.ts';
import { complain, texts } from '../fields.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

export const profilesField = texts.transform((names, context) => {
  const odd = names.findIndex((name) => !NAME.test(name));
  if (odd < 0) return names;
  const next = 'use letters, digits, _, . and -, a letter or a digit first';
  return complain(context, { message: `"${names[odd]}" is no name for a profile`, next }, [odd]);
});

/** `*` stands for every profile. */
export function isActive(
  profiles: readonly string[] | undefined,
  wanted: ReadonlySet<string>,
): boolean {
  if (profiles === undefined || profiles.length === 0 || wanted.has('*')) return true;
  return profiles.some((profile) => wanted.has(profile));
}

export function noneActive(inactive: ReadonlyMap<string, readonly string[]>): Finding {
  const profiles = [...new Set([...inactive.values()].flat())].toSorted();
  const message = 'no service would run';
  const why = `each has a profile that is not asked for: ${profiles.join(', ')}`;
  const next = `ask for one: --profile ${profiles[0] ?? 'NAME'}`;
  return { path: ['services'], on: 'key', message, why, next };
}
