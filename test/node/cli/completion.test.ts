/** The completion of each shell, asked of the shell itself where it is there. */
import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namesOf } from '../../../node/cli/completion/names.ts';
import { offersOf } from '../../../node/cli/completion/offers.ts';
import { completionScript, type Shell } from '../../../node/cli/completion/scripts.ts';
import { createProgram } from '../../../node/cli/program.ts';
import { type FixtureAgent, run, startAgent } from './fixture-agent.ts';
import { cluster, component, healthy, host } from './views.ts';

const offers = offersOf(createProgram(() => Promise.resolve()));
const script = (shell: Shell): string => completionScript(shell, offers);
const isThere = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).error === undefined;

type Row = readonly [string, readonly string[], string];
/** The line up to the cursor, some of what is offered, and why. */
const OFFERED: readonly Row[] = [
  ['agentctl clus', ['cluster'], 'a command'],
  ['agentctl cluster ', ['init', 'join', 'leave', 'show', 'voters'], 'the commands below one'],
  ['agentctl cluster voters ', ['force', 'show'], 'two below'],
  ['agentctl status --js', ['--json'], 'an option of every command'],
  ['agentctl --json status --w', ['--watch'], 'an option does not hide the command'],
  ['agentctl --color ', ['always', 'auto', 'never'], 'the values of an option'],
  ['agentctl sim explore ', ['leases', 'records', 'roster'], 'the values of an argument'],
  ['agentctl completion ', ['bash', 'fish', 'zsh'], 'the values of a required argument'],
  ['agentctl kill a', ['api', 'api.1'], 'a component of the cluster, and its instance'],
  ['agentctl kill web.', ['web.1', 'web.2'], 'an instance'],
  ['agentctl rollout pause shop.a', ['shop.api'], 'its whole name'],
  ['agentctl host drain h', ['h1', 'h2', 'h3'], 'a host'],
  ['agentctl destroy s', ['shop'], 'a stack'],
  ['agentctl lead web --to ', ['h1', 'h2', 'h3'], 'a host that an option names'],
  ['agentctl scale we', ['web='], 'a component, with what its count follows'],
  ['agentctl scale web=3 ap', ['api='], 'the next one'],
  ['agentctl inspect --raw h', ['h1', 'h2', 'h3'], 'an option does not hide what is named'],
];

/** The shells find the agentctl of this clone, and it a real server in place of an agent. */
let agent: FixtureAgent;
let surroundings: NodeJS.ProcessEnv = {};
beforeAll(async () => {
  agent = await startAgent({ 'GET /v1/status': healthy() });
  const main = fileURLToPath(new URL('../../../node/cli/main.ts', import.meta.url));
  const program = join(agent.folder, 'agentctl');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 });
  const PATH = `${agent.folder}:${process.env['PATH']}`;
  surroundings = { ...process.env, PATH, MILLRACE_SOCKET: agent.socket };
});
afterAll(() => agent[Symbol.asyncDispose]());

const silently = (): NodeJS.ProcessEnv => ({ ...surroundings, MILLRACE_SOCKET: '/nowhere' });
const told = async (file: string, args: readonly string[], env = surroundings): Promise<string> =>
  (await promisify(execFile)(file, args, { encoding: 'utf8', env })).stdout;

describe.skipIf(!isThere('bash'))('bash', () => {
  /** What bash itself would show. */
  async function complete(line: string, env = surroundings): Promise<readonly string[]> {
    const words = line.split(' ');
    const ask = `${script('bash')}
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _agentctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await told('bash', ['-c', ask], env)).split('\n').filter((word) => word !== '');
  }

  it.each(OFFERED)('completes "%s" to %j: %s', async (line, wanted) => {
    expect([...(await complete(line))].sort()).toEqual([...wanted].sort());
  });

  it.each([
    ['agentctl deploy -f ', 'where an option takes one'],
    ['agentctl scale web =', 'behind =, where a count comes'],
    ['agentctl scale web = 3', 'behind =, where a count comes'],
    ['agentctl exec web.1 -- w', 'behind --, where another program reads on'],
  ])('leaves "%s" to the shell: %s', async (line) => {
    expect(await complete(line)).toEqual([]);
  });

  it('offers no names, and says nothing, where no agent answers', async () => {
    expect(await complete('agentctl kill ', silently())).toEqual([]);
    expect(await complete('agentctl kill --si', silently())).toEqual(['--signal']);
  });
});

describe.skipIf(!isThere('zsh'))('zsh', () => {
  it('reads the script', async () => {
    expect(await told('zsh', ['-n', '-c', script('zsh')])).toBe('');
  });

  /** What the script gives to those who show it. */
  async function complete(line: string): Promise<readonly string[]> {
    const words = line.split(' ');
    const ask = `compdef() { }
      _describe() { print -l -- "\${(@P)2}" }
      _files() { }
      compadd() { print -l -- "\${@[2,-1]}" }
      ${script('zsh')}
      words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}
      _agentctl`;
    const offered = (await told('zsh', ['-f', '-c', ask])).split('\n');
    return offered.map((entry) => entry.split(':', 1)[0] ?? '');
  }

  it.each(OFFERED)('completes "%s" to %j: %s', async (line, wanted) => {
    expect(await complete(line)).toEqual(expect.arrayContaining([...wanted]));
  });
});

describe.skipIf(!isThere('fish'))('fish', () => {
  it.each(OFFERED)('completes "%s" to %j: %s', async (line, wanted) => {
    const ask = `${script('fish')}\ncomplete -C '${line}'`;
    const offered = (await told('fish', ['-c', ask])).split('\n');
    const words = offered.map((entry) => entry.split('\t', 1)[0] ?? '');
    expect(words).toEqual(expect.arrayContaining([...wanted]));
  });
});

it('asks for no longer than somebody waits, and refuses kinds that there are not', async () => {
  await using mute = await startAgent({ 'GET /v1/status': () => undefined });
  const names = (kinds: string) =>
    run(['completion', 'bash', '--names', kinds, '--socket', mute.socket]);
  expect(await names('host,stack')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await names('voter')).toMatchObject({ code: 2, stdout: '' });
});

it('offers no name that a shell would run', () => {
  const hosts = ['h1', 'h 2', '$(touch x)', '`touch x`', '*', 'h;3', 'ä'].map((name) => host(name));
  expect(namesOf(cluster({ hosts }), ['host'])).toEqual(['h1']);
});

it('offers the short name where only one is called so', () => {
  const stacks = ['shop', 'blog'].map((name) => ({
    name,
    revision: '4.7',
    components: [component(`${name}.web`, ['h1']), component(`${name}.${name}`, [])],
  }));
  const view = cluster({ stacks });
  expect(namesOf(view, ['component'])).toEqual([
    'blog',
    'blog.blog',
    'blog.web',
    'shop',
    'shop.shop',
    'shop.web',
  ]);
  expect(namesOf(view, ['instance', 'host'])).toEqual([
    'blog.web.1',
    'h1',
    'h2',
    'h3',
    'shop.web.1',
  ]);
});
