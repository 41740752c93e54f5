/** A shell in a container, on a real terminal: typed to, widened and interrupted. */
import { fileURLToPath } from 'node:url';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findDockerSocket, IMAGE, makeImage } from '../../compliance/engine/docker-ground.ts';
import { hasPty, openPty } from '../../node/cli/pty.ts';
import { agentctl, agentsThat } from '../agents/cluster.ts';

const socket = (await findDockerSocket()) ?? '';
const WAIT = { timeout: 30_000, interval: 50 };
const MAIN = fileURLToPath(new URL('../../../node/cli/main.ts', import.meta.url));

/** Reads lines on its terminal, as a shell does, until Ctrl-C. */
const SHELL = `const lines = readline.createInterface({ input: process.stdin, output: process.stdout });
lines.on('line', (line) => { console.log('got ' + line + ' of ' + process.stdout.columns); lines.prompt(); });
lines.on('SIGINT', () => process.exit(6));
const tell = () => console.log('wide ' + process.stdout.columns);
process.stdout.on('resize', tell); tell();
lines.setPrompt('ready '); lines.prompt();`;

describe.skipIf(socket === '' || !hasPty)('exec -it in a container', () => {
  beforeAll(() => makeImage(socket), 120_000);

  it('is a terminal to the end', { timeout: 120_000 }, async () => {
    const engine = { kind: 'docker', socket } as const;
    const cluster = await agentsThat({ count: 1, voterCount: 1, engine });
    const [agent] = cluster.agents;
    if (agent === undefined) throw new Error('there is one');
    const file = join(cluster.init.folder, 'compose.yaml');
    const web = { image: IMAGE, command: ['node', '-e', 'setInterval(() => {}, 1e6)'] };
    const services = { web: { ...web, stop_grace_period: '0s' } };
    writeFileSync(file, JSON.stringify({ name: 'shell', services }));
    const deployed = await agentctl(agent, ['deploy', '-f', file, '--timeout', '60s']);
    expect(deployed, deployed.stderr).toMatchObject({ code: 0 });

    const words = ['exec', '-it', 'web', '--socket', agent.socket, '--', 'node', '-e', SHELL];
    const pty = openPty([process.execPath, MAIN, ...words], cluster.init.folder);
    await expect.poll(pty.shown, WAIT).toContain('wide 91');
    pty.type('one\r');
    await expect.poll(pty.shown, WAIT).toContain('got one of 91');
    pty.widen(133);
    await expect.poll(pty.shown, WAIT).toContain('wide 133');
    pty.type('two\x03');
    const { code, settings } = await pty.ended();
    expect(code).toBe(6);
    expect(settings).toEqual([settings[0], settings[0]]);
  });
});
