/** A rule of the protocol is broken: which, and what was seen. The first one counts. */
export type Report = (rule: string, text: string) => void;
