/** Labels of hosts: what users tell hosts apart by, and constraints ask for. */

/** By name. */
export type Labels = Readonly<Record<string, string>>;

export const LABEL_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._/-]{0,62}$/;
export const LABEL_VALUE = /^\P{Cc}{0,63}$/u;
