/** Labels of hosts: what users tell hosts apart by, and constraints ask for. */

/** By name. */
export type Labels = Readonly<Record<string, string>>;

export const LABEL_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._/-]{0,62}$/;
export const LABEL_VALUE = /^\P{Cc}{0,63}$/u;

/** Of a host: its own, and those that users have set, which win. */
export const mergedLabels = (own: Labels = {}, set: Labels = {}): Labels => ({ ...own, ...set });

/** What they take up in a list of members. */
export function labelChars(labels: Labels = {}): number {
  let chars = 0;
  for (const [name, value] of Object.entries(labels)) chars += name.length + value.length;
  return chars;
}
