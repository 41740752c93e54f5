const SHOWN_MAX = 8;

/** Names as a list that stays short: `h1 h2 h3`, `h1 … h8 and 192 more`. */
export function shown(names: readonly string[]): string {
  const more = names.length - SHOWN_MAX;
  const ordered = names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return ordered.slice(0, SHOWN_MAX).join(' ') + (more > 0 ? ` and ${more} more` : '');
}
