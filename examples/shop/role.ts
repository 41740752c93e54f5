/** What every component of the shop is made of: it answers requests, and some begin work of their own. */
import type { IncomingMessage } from 'node:http';

export type Question = {
  readonly method: string;
  /** `/carts/7` is `['carts', '7']`. */
  readonly steps: readonly string[];
  /** JSON or a form, as sent; nothing in it is to be trusted. */
  readonly body: Readonly<Record<string, unknown>>;
};

export type Answer = {
  readonly status?: number;
  readonly body?: unknown;
  readonly html?: string;
  readonly location?: string;
};

export type Role = {
  readonly answer: (question: Question) => Answer | Promise<Answer>;
  /** Called once, when the component starts. */
  readonly begin?: () => void;
};

const BODY_CHARS_MAX = 10_000;

export const notFound: Answer = { status: 404, body: { error: 'there is no such thing' } };

export async function readBody(request: IncomingMessage): Promise<Question['body']> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_CHARS_MAX) throw new Error('the request is too long');
  }
  if (request.headers['content-type'] !== 'application/json')
    return Object.fromEntries(new URLSearchParams(text));
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** A count of pieces, 1 to 100; anything else counts as one. */
export function countOf(value: unknown): number {
  const count = Number(value);
  return Number.isInteger(count) && count >= 1 && count <= 100 ? count : 1;
}
