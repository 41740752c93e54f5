/** Images that are built, with real agents on a real Docker Engine: from files beside a Compose file to what runs. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  findDockerSocket,
  IMAGE,
  makeImage,
  plainDocker,
} from '../../compliance/engine/docker-ground.ts';
import { agentctl, agentsThat, crash, type RealCluster } from '../agents/cluster.ts';

const socket = (await findDockerSocket()) ?? '';
const docker = plainDocker(socket);
const PATIENCE_MS = 60_000;
const SERVE = 'setInterval(() => {}, 1e6); console.log("says", fs.readFileSync("/word", "utf8"))';

const dockerfile = (script: string): string =>
  [
    `FROM ${IMAGE}`,
    'COPY word /word',
    `RUN ["node", "-e", ${JSON.stringify(script)}]`,
    `CMD ["node", "-e", ${JSON.stringify(SERVE)}]`,
  ].join('\n');

function stackIn(cluster: RealCluster): string {
  const file = join(cluster.init.folder, 'compose.yaml');
  const web = { build: '.', image: 'web:mine', deploy: { replicas: 2 }, stop_grace_period: '0s' };
  writeFileSync(file, JSON.stringify({ name: 'built', services: { web } }));
  writeFileSync(join(cluster.init.folder, '.dockerignore'), '*\n!word\n');
  return file;
}

const write = (cluster: RealCluster, word: string, script = 'console.log("ready")'): void => {
  writeFileSync(join(cluster.init.folder, 'word'), word);
  writeFileSync(join(cluster.init.folder, 'Dockerfile'), dockerfile(script));
};

describe.skipIf(socket === '')('a stack whose image is built', () => {
  beforeAll(() => makeImage(socket), 120_000);

  it('builds, deploys, changes, fails and heals', { timeout: 4 * PATIENCE_MS }, async () => {
    const cluster = await agentsThat({
      count: 3,
      voterCount: 3,
      engine: { kind: 'docker', socket },
    });
    const [first, second, third] = cluster.agents;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('there are three');
    onTestFinished(async () => {
      const images = await docker.listImages({ filters: { reference: ['millrace/built-web'] } });
      for (const { Id } of images)
        await docker
          .getImage(Id)
          .remove({ force: true })
          .catch(() => undefined);
      await docker
        .getImage('web:mine')
        .remove({ force: true })
        .catch(() => undefined);
    });
    const file = stackIn(cluster);
    const deploy = () => agentctl(first, ['deploy', '-f', file, '--timeout', '60s']);
    const imageOf = async (): Promise<string> => {
      const { stdout } = await agentctl(second, ['inspect', 'built.web', '--json']);
      return /millrace\/built-web:[0-9a-f]{32}/.exec(stdout)?.[0] ?? '';
    };

    write(cluster, 'one');
    const planned = await agentctl(first, ['plan', '-f', file]);
    expect(planned.stdout).toContain('+ built.web  new: 2 instances');
    const deployed = await deploy();
    expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
    expect(deployed.stderr).toContain('web: sends its context, ');
    expect(deployed.stderr).toMatch(/web on h\d: Step 1\/5 : FROM/);
    expect(deployed.stderr).toMatch(/web on h\d: built/);
    const image = await imageOf();
    expect(image).not.toBe('');
    expect((await docker.getImage('web:mine').inspect()).RepoTags).toContain(image);

    // The same files are nothing new, whatever else has changed about them.
    write(cluster, 'one');
    const again = await deploy();
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).not.toContain('sends its context');
    expect(again.stderr).toContain('was so already');

    write(cluster, 'two');
    expect(await deploy()).toMatchObject({ code: 0 });
    const changed = await imageOf();
    expect(changed).not.toBe(image);
    const logs = await agentctl(third, ['logs', 'built.web']);
    expect(logs.stdout).toContain('says two');

    // A task of it is made from the same image, on its network, and is gone afterwards.
    const script = `console.log(fs.readFileSync('/word', 'utf8')); console.error('err');
      require('dns').lookup('web', (error) => process.exit(error ? 1 : 6))`;
    const ran = await agentctl(third, ['run', '-f', file, 'web', '--', 'node', '-e', script]);
    expect(ran).toEqual({ code: 6, stdout: 'two\n', stderr: 'err\n' });
    const filters = { label: ['io.millrace.run'] };
    expect(await docker.listContainers({ all: true, filters })).toEqual([]);

    // What cannot be built is told, and what runs goes on.
    write(cluster, 'three', 'console.error("no such thing"); process.exit(3)');
    const failed = await deploy();
    expect(failed).toMatchObject({ code: 3 });
    expect(failed.stderr).toContain('nothing was deployed');
    expect(failed.stderr).toContain('returned a non-zero code: 3');
    expect(failed.stderr).toContain('no such thing');
    expect(await imageOf()).toBe(changed);

    // All voters have what it is built from, so it heals without the one that was given it.
    await agentctl(first, ['scale', 'built.web=0']);
    await docker.getImage(changed).remove({ force: true });
    await docker.pruneImages({ filters: { dangling: { true: true } } });
    await crash(first);
    const hold = await agentctl(second, ['scale', 'built.web=2', '--timeout', '60s']);
    expect(hold, hold.stderr).toMatchObject({ code: 0 });
    expect((await docker.getImage(changed).inspect()).RepoTags).toContain(changed);

    // What cannot even be sent is told before anybody is asked.
    rmSync(join(cluster.init.folder, 'Dockerfile'));
    const missing = await agentctl(second, ['deploy', '-f', file]);
    expect(missing).toMatchObject({ code: 2 });
    expect(missing.stderr).toContain(
      'services.web.build: the Dockerfile Dockerfile cannot be read',
    );
  });
});
