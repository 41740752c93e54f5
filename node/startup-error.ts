/** Why an agent cannot start or go on, in the three parts that every user-facing error has. */
export type StartupErrorParts = {
  /** Stable, for scripts and for callers that treat one case apart. */
  readonly code: string;
  readonly what: string;
  readonly why: string;
  readonly next: string;
};

export class StartupError extends Error {
  override readonly name = 'StartupError';
  readonly parts: StartupErrorParts;
  constructor(parts: StartupErrorParts, options: { readonly cause?: unknown } = {}) {
    super(`${parts.what}\n  why   ${parts.why}\n  next  ${parts.next}`, options);
    this.parts = parts;
  }
}
