/** Cuts pieces out of a whole: half of it at first, then ever smaller ones, for as long as it still fails. */
export type Pieces<T> = {
  readonly count: (whole: T) => number;
  /** Without those in [from, to). */
  readonly without: (whole: T, from: number, to: number) => T;
};

/** What is tried on, and how: true if it was taken. A candidate that is taken becomes the whole. */
export type Trial<T> = {
  readonly whole: () => T;
  readonly attempt: (candidate: T) => boolean;
};

/**
 * From the end to the beginning, as what comes late is most often beside the point. `finest`: the
 * smallest share of the whole that is looked at alone, so that a first round stays quick; 0: one piece.
 */
export function cutPieces<T>(
  { whole, attempt }: Trial<T>,
  { count, without }: Pieces<T>,
  finest = 0,
): void {
  const smallest = Math.max(1, Math.floor(count(whole()) * finest));
  for (let size = count(whole()); size >= smallest; size = Math.floor(size / 2)) {
    for (let to = count(whole()); to > 0;) {
      const from = Math.max(0, to - size);
      to = attempt(without(whole(), from, to)) ? Math.min(from, count(whole())) : from;
    }
  }
}
