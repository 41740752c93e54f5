import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { BODY_BYTES_MAX, bodyOf } from '../../../node/http/body.ts';
import { ApiRefusal } from '../../../node/http/refusal.ts';

const app = new Hono();
app.post('/', async (context) => context.json(await bodyOf(context, z.object({ a: z.string() }))));
app.onError((error) => ApiRefusal.from(error).response());

/** In chunks, so that its length is told nowhere. */
async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < text.length; from += 65_536)
    yield Buffer.from(text.slice(from, from + 65_536));
}

it.each([
  ['short', 3, 200],
  ['as long as it may be', BODY_BYTES_MAX - '{"a":""}'.length, 200],
  ['longer', BODY_BYTES_MAX, 413],
])('a body in chunks that is %s', async (_, chars, status) => {
  const body = ReadableStream.from(chunksOf(JSON.stringify({ a: 'x'.repeat(chars) })));
  const request = new Request('http://agent/', { method: 'POST', body, duplex: 'half' });
  expect((await app.request(request)).status).toBe(status);
});

it('a body that is no JSON', async () => {
  const answer = await app.request('/', { method: 'POST', body: '{' });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('its body is no JSON');
});
