/** What instances tell of themselves, asked of an agent that runs none of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { signalAgent } from '../../../node/local/cluster.ts';
import { agentctl, agentsThat, everyoneRuns, instanceLines } from '../agents/cluster.ts';

const SERVER = `
require('http').createServer(({ url }, answer) => {
  if (url === '/hang') return;
  answer.writeHead(url === '/vars' ? 200 : 404);
  answer.end(JSON.stringify({ slot: process.env.MILLRACE_SLOT }));
}).listen(18146, process.env.MILLRACE_PUBLISH_ADDRESS);
`;

it('fetches pages from whichever host, and says why where there is none', async () => {
  const cluster = await agentsThat({ count: 2, voterCount: 1 });
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are two');
  const deploy = async (inspect: object | undefined): Promise<void> => {
    const path = join(cluster.init.folder, 'compose.yaml');
    const web = {
      command: [process.execPath, '-e', SERVER],
      ports: [{ target: 18146, published: 18146, mode: 'host' }],
      deploy: { replicas: 2 },
      'x-millrace': { heartbeat: { tcp: 18146, every: '200ms' }, inspect },
    };
    // JSON is YAML.
    writeFileSync(path, JSON.stringify({ name: 'demo', services: { web } }));
    const ran = await agentctl(first, ['deploy', '-y', '-f', path]);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
  };
  await deploy({ path: '/vars' });
  await everyoneRuns(cluster, 2);
  const before = await instanceLines(cluster);
  for (const agent of [first, second]) {
    const ran = await agentctl(agent, ['inspect', 'web']);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(
      /told:\n {2}demo\.web\.1:\n {4}slot: "1"\n {2}demo\.web\.2:\n {4}slot: "2"/,
    );
    for (const slot of ['1', '2'])
      expect(await agentctl(agent, ['inspect', `web.${slot}`, '--raw'])).toEqual({
        code: 0,
        stdout: `{"slot":"${slot}"}`,
        stderr: '',
      });
  }

  const why = async (inspect: object | undefined): Promise<string> => {
    await deploy(inspect);
    const told = await Promise.all(
      [1, 2].map((slot) => agentctl(first, ['inspect', `web.${slot}`, '--raw'])),
    );
    const [one, other] = told.map(({ code, stderr }) => `${code} ${/why +(.*)/.exec(stderr)?.[1]}`);
    // Here or there, it is told alike.
    expect(one?.replace(/127\.0\.1\.\d/, 'X')).toBe(other?.replace(/127\.0\.1\.\d/, 'X'));
    return one ?? '';
  };
  expect(await why({ path: '/none' })).toBe('3 it answered 404 Not Found');
  expect(await why({ path: '/hang' })).toBe('3 there was no whole answer within 2 s');
  expect(await why({ path: '/vars', port: 9 })).toMatch(/^3 nothing listens on 127\.0\.0\.1:9$/);
  expect(await why(undefined)).toMatch(/^4 its service has no x-millrace\.inspect/);
  // Where it tells of itself is no matter of what runs.
  expect(await instanceLines(cluster)).toEqual(before);

  await deploy({ path: '/vars' });
  signalAgent(second, 'SIGSTOP');
  try {
    const half = await agentctl(first, ['inspect', 'web']);
    expect(half.code, half.stderr).toBe(3);
    expect(half.stderr).toMatch(/demo\.web\.\d could not be asked: host \w+: it did not answer/);
    expect(half.stdout).toMatch(/told:\n {2}demo\.web\.\d:\n {4}slot: "\d"/);
  } finally {
    signalAgent(second, 'SIGCONT');
  }
});
