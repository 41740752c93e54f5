/** Templates of Swarm in variables: nobody fills them in here, and whoever wrote them is told. */
import type { Complaint } from '../problems.ts';

/** Only what names something of Swarm's: an image may have templates of its own. */
const TEMPLATE = /\{\{[^{}]*\.(?:Service|Node|Task)\b[^{}]*\}\}/;

/** The variable that says what the template was to say. */
const INSTEAD = [
  [/\.Task\.Slot\b/, 'each instance finds its slot in MILLRACE_SLOT'],
  [/\.Service\.Name\b/, 'each instance finds its stack and service in MILLRACE_COMPONENT'],
] as const;
const OTHERWISE = 'docs/compose.md says what each instance finds in its environment';

/** Undefined: there is none in it. */
export function templateIn(value: string): Complaint | undefined {
  const [template] = TEMPLATE.exec(value) ?? [];
  if (template === undefined) return undefined;
  const [, next = OTHERWISE] = INSTEAD.find(([names]) => names.test(template)) ?? [];
  const message = `${template} is passed on as it is`;
  return { message, why: 'templates are not filled in', next, unsupported: true };
}
