/** The simulator as a process: exit codes, what is left behind, and that it can be seen again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../../..');
const folder = mkdtempSync(join(tmpdir(), 'millrace-sim-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function sim(args: string) {
  const main = join(ROOT, 'node/cli/main.ts');
  const child = spawn(process.execPath, [main, 'sim', ...args.split(' ')], { cwd: folder });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, stdout, stderr };
}

const STACK = 'name: site\nservices: { web: { image: nginx } }';
/** One agent is down for long, among other things that have nothing to do with it. */
const BROKEN = `
hosts: 4
compose: stack.yaml
for: 25s
faults: none
timeline:
  - { at: 8s, lag: h3, by: 20ms, for: 2s }
  - { at: 9s, cut: h4, for: 1s }
  - { at: 10s, crash: h2, for: 12s }
  - { at: 11s, crash: h3, for: 10ms }
expect:
  - always: nobody sees h2 as dead
`;
writeFileSync(join(folder, 'stack.yaml'), STACK);
writeFileSync(join(folder, 'broken.yaml'), BROKEN);
writeFileSync(
  join(folder, 'slow.yaml'),
  `hosts: 3\ncompose: stack.yaml\nfor: 10s\nlimits: { messages_per_host: 1 }`,
);
writeFileSync(join(folder, 'plan.yaml'), 'timeline: [{ at: 5s, exit: site.web }]');

it('is not loaded by the other commands', async () => {
  const program = JSON.stringify(join(ROOT, 'node/cli/program.ts'));
  const watching = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import(${program});
    console.log(JSON.stringify(loaded));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', watching]);
  const loaded = JSON.parse(await text(child.stdout)) as readonly string[];
  expect(loaded.some((url) => url.endsWith('/node/cli/sim.ts'))).toBe(true);
  expect(loaded.filter((url) => /\/sim\/|\/protocol\/core/.test(url))).toEqual([]);
});

describe('fuzz', () => {
  it('passes, and amounts to the same on any number of threads', async () => {
    const [one, two] = await Promise.all([
      sim('fuzz --seeds 3 --jobs 1 --profile exits --json'),
      sim('fuzz --seeds 3 --jobs 2 --profile exits --json'),
    ]);
    expect(one.code).toBe(0);
    const { wall_ms: _, ...first } = JSON.parse(one.stdout) as Record<string, unknown>;
    expect(JSON.parse(two.stdout)).toMatchObject(first);
    expect(first).toMatchObject({ schema: 'millrace/sim-fuzz/1', seeds: 3, failed: 0 });
  });

  it('stops when time is up, however many seeds are left', async () => {
    const { code, stdout } = await sim('fuzz --time 1ms --jobs 1 --profile none');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^1 seeds, 0 failed/);
  });
});

describe('a scenario whose expectation is broken', () => {
  it('ends with 10, and can be seen again and made smaller', async () => {
    const ran = await sim('run broken.yaml');
    expect(ran.code).toBe(10);
    expect(ran.stdout).toMatch(
      /seed 1 breaks expectation at 2\d\.\d00 s: always: nobody sees h2 as dead/,
    );
    expect(ran.stdout).toMatch(/reproduce {2}npx agentctl sim run broken\.yaml --seed 1 --runs 1/);
    const tape = 'sim-failures/seed-1.tape.json';
    expect(ran.stdout).toContain(`sim replay ${tape} --scenario broken.yaml`);

    const again = await sim(`replay ${tape} --scenario broken.yaml`);
    expect(again.code).toBe(10);
    expect(again.stdout).toMatch(/2\d\.\d00 s {2}expectation: always: nobody sees h2 as dead/);
    const alone = await sim(`replay ${tape}`);
    expect(alone.code, 'its rules are kept').toBe(0);

    const shrunk = await sim(`shrink ${tape} --scenario broken.yaml --time 1m --json`);
    expect(shrunk.code).toBe(0);
    const { tape: smaller } = JSON.parse(shrunk.stdout) as { tape: string };
    const { deeds } = JSON.parse(readFileSync(join(folder, smaller), 'utf8')) as {
      deeds: readonly { strike?: { kind: string } }[];
    };
    const kinds = deeds.map(({ strike }) => strike?.kind);
    expect(kinds, 'its timeline stays').toEqual([undefined, 'lag', 'cut', 'crash', 'crash']);
    const smallest = await sim(`replay ${smaller} --scenario broken.yaml`);
    expect(smallest.stdout).toMatch(/expectation: always: nobody sees h2 as dead/);
  }, 60_000);
});

it.each<readonly [exit: number, args: string, says: RegExp, reason: string]>([
  [0, 'run stack.yaml --faults none --runs 1 --for 10s', /1 of 1 runs passed/, 'all is well'],
  [0, 'run stack.yaml --faults plan.yaml --runs 1', /1 of 1 runs passed/, 'a plan of its own'],
  [11, 'run slow.yaml', /limit: a host sends \d+ messages a second, at most 1/, 'a limit'],
  [2, 'run nowhere.yaml', /nowhere\.yaml cannot be read/, 'no such file'],
  [2, 'run stack.yaml --faults floods', /there are no faults called "floods"/, 'no such fault'],
  [2, 'run slow.yaml --hosts 0', /whole number from 1/, 'no such number'],
  [2, 'fuzz --profile storm', /there are no faults called "storm"/, 'no such profile'],
  [2, 'replay stack.yaml', /this is not a tape/, 'no tape'],
  [2, 'replay nowhere.json', /cannot be read/, 'no such tape'],
  [2, 'selftest --only nobody', /there is no mutant nobody/, 'no such mutant'],
  [0, 'selftest --only replies-counted --jobs 1', /1 of 1 mutant caught/, 'a mutant is caught'],
  [13, 'selftest --only overwrites --seeds 1 --jobs 1', /missed: overwrites/, 'missed'],
])(
  '%i sim %s',
  async (exit, args, says) => {
    const { code, stdout, stderr } = await sim(args);
    expect(`${stdout}${stderr}`).toMatch(says);
    expect(code).toBe(exit);
  },
  60_000,
);
