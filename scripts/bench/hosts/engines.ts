/** A Docker Engine in each network namespace, all of the same kind, with one small image. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import Docker from 'dockerode';
import { pack } from 'tar-stream';
import { until } from '../../../node/local/cluster.ts';
import type { Site } from './lan.ts';

export type Host = {
  readonly site: Site;
  readonly socket: string;
  readonly docker: Docker;
  readonly daemon: ChildProcess;
};

/** What runs in every instance: nothing starts faster. */
export const SLEEPER = { image: 'millrace/sleep:lan', words: ['sleep', 'infinity'] } as const;

const BUSYBOX = '/bin/busybox';
const ANSWER_MS = 60_000;
const END_MS = 30_000;

export async function openEngine(site: Site): Promise<Host> {
  const { folder, name, netns } = site;
  const socket = join(folder, 'docker.sock');
  const log = openSync(join(folder, 'dockerd.log'), 'a');
  const own = `--data-root ${folder}/data --exec-root ${folder}/exec --pidfile ${folder}/docker.pid`;
  // Each program becomes the next: the process that we start is the engine in the end.
  const words = [`--net=${netns}`, 'unshare', '--mount', '--uts'];
  const start = `hostname ${name} && exec dockerd ${own} -H unix://${socket}`;
  const daemon = spawn('nsenter', [...words, 'sh', '-c', start], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const docker = new Docker({ socketPath: socket, host: '', protocol: 'http' });
  await until(`the engine of ${name} to answer`, ANSWER_MS, async () => {
    if (daemon.exitCode !== null)
      throw new Error(`the engine of ${name} ended: ${folder}/dockerd.log`);
    return docker.ping().then(
      () => true as const,
      () => undefined,
    );
  });
  await importSleeper(docker);
  return { site, socket, docker, daemon };
}

async function importSleeper(docker: Docker): Promise<void> {
  const tar = pack();
  const answer = docker.importImage(Readable.from(tar), splitTag(SLEEPER.image));
  tar.entry({ name: 'bin/', type: 'directory' });
  tar.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync(BUSYBOX));
  tar.entry({ name: 'bin/sleep', type: 'symlink', linkname: 'busybox' });
  tar.finalize();
  let said = '';
  for await (const chunk of await answer) said += String(chunk);
  if (said.includes('"error"')) throw new Error(`cannot make the image: ${said.trim()}`);
}

function splitTag(name: string): { readonly repo: string; readonly tag: string } {
  const [repo = '', tag = ''] = name.split(':');
  return { repo, tag };
}

/** Removes every container, then ends the engine. */
export async function closeEngine({ docker, daemon }: Host): Promise<void> {
  await emptyEngine(docker).catch(() => undefined); // one that does not answer is killed
  if (daemon.exitCode !== null) return;
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  const timer = setTimeout(() => daemon.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(timer);
}

async function emptyEngine(docker: Docker): Promise<void> {
  const containers = await docker.listContainers({ all: true });
  await Promise.all(
    containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })),
  );
}
