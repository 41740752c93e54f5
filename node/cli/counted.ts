/** `1 instance`, `3 instances`; with verbs also `1 slot was`, `2 slots were`. */
export function counted(
  count: number,
  noun: string,
  verbs?: readonly [one: string, many: string],
): string {
  const verb = verbs === undefined ? '' : ` ${count === 1 ? verbs[0] : verbs[1]}`;
  return `${count} ${noun}${count === 1 ? '' : 's'}${verb}`;
}
