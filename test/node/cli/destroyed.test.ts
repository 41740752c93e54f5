/** What `status` and `why` say of a stack that is there no more, by what hosts remember. */
import { expect, it } from 'vitest';
import type { EventBody } from '../../../node/http/api.ts';
import { run, startAgent } from './fixture-agent.ts';
import { event, healthy } from './views.ts';

const said = (at: string, kind: string, about: string, text: string): EventBody =>
  event(`2026-11-21T00:4${at}:00Z`, kind, [about], text);
const DEPLOYED = said('0', 'deploy', 'mail', 'deploying mail with 2 components as 3.1');
const DESTROYED = said('1', 'deploy', 'mail', 'destroying mail as 3.2');
const ENDED = said('2', 'instance', 'mail.web.1', 'ended as asked: exit 0');

async function ask(verb: string, word: string, events: readonly EventBody[]) {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/events': (_, response) => {
      response.end(events.map((each) => `${JSON.stringify(each)}\n`).join(''));
    },
  });
  const ran = await run([verb, word, '--socket', agent.socket]);
  return { ...ran, asked: agent.asked.map(({ path }) => path) };
}

it.each(['status', 'why'])('%s says when, and who led it', async (verb) => {
  const ran = await ask(verb, 'mail', [DEPLOYED, DESTROYED, ENDED]);
  expect(ran).toMatchObject({ code: 4, stdout: '' });
  expect(ran.stderr).toBe(
    `error: stack "mail" was destroyed at ${DESTROYED.at}
  why   ${DESTROYED.host_name} led it then, and wrote that as revision 3.2
  next  deploy it again to have it back; who decided what: npx agentctl events
`,
  );
  expect(ran.asked.at(-1)).toContain('&about=mail');
});

it.each<readonly [string, readonly EventBody[], string]>([
  ['mail', [], 'nobody remembers it'],
  ['mail', [DESTROYED, { ...DEPLOYED, at: ENDED.at }], 'it was deployed after that'],
  ['mai', [DESTROYED], 'a name that only begins so'],
  ['mail', [{ ...DESTROYED, kind: 'instance' }], 'others speak of it'],
])('%s is as unknown as before: %#', async (word, events, _why) => {
  const ran = await ask('status', word, events);
  expect(ran).toMatchObject({ code: 4, stdout: '' });
  expect(ran.stderr).toContain(`there is no stack, component, instance or host "${word}"`);
});

it('what is there is not asked about', async () => {
  const ran = await ask('status', 'shop', [said('1', 'deploy', 'shop', 'destroying shop as 3.2')]);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.asked.some((path) => path.startsWith('/v1/events'))).toBe(false);
});
