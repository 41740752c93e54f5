/**
 * The image of a machine. Its base is a small Debian with systemd and a Docker Engine, made by
 * debootstrap from the mirror that apt uses here, so that no registry is needed; where there is no
 * debootstrap it is made from `debian:bookworm-slim`. On top of it lies the package, put there by dpkg
 * as a user would. The base is kept for the next time, the rest is made anew for another package.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { isMissing, LAB_LABEL, runIn } from './engine.ts';
import type { LabPlan } from './plan.ts';

const RELEASE = 'bookworm';
const REGISTRY_IMAGE = `debian:${RELEASE}-slim`;
const PACKAGES =
  'systemd systemd-sysv dbus iproute2 docker.io iptables procps libatomic1 busybox-static libfaketime';
const BASE = { repo: 'millrace/machine-base', tag: 'test' };
const BASE_NAME = `${BASE.repo}:${BASE.tag}`;
const BASE_LABEL = `${LAB_LABEL}.base`;
const PACKAGE_LABEL = `${LAB_LABEL}.package`;
const BOUND_MS = 600_000;
const run = promisify(execFile);

/**
 * The containers of a machine's engine belong under the machine's own cgroup, as all else in it does:
 * or what freezes or slows the machine would not reach them.
 */
const ENGINE_UNDER_MACHINE = `#!/bin/sh
own=$(grep -e :freezer: -e ^0:: /proc/1/cgroup | head -n 1 | cut -d: -f3)
echo "{\\"cgroup-parent\\": \\"\${own%/init.scope}/engine\\"}" >/etc/docker/daemon.json
`;
const DROP_IN = '[Service]\nExecStartPre=/usr/local/sbin/engine-under-machine\n';
/** Images of a machine's engine: one, for components that need no more than busybox. */
const LOAD_BUSYBOX = `#!/bin/sh
# Makes the image millrace/busybox:test in this machine's engine.
set -e
docker image inspect millrace/busybox:test >/dev/null 2>&1 && exit
root=$(mktemp -d)
mkdir -p "$root/bin" "$root/tmp" "$root/etc"
cp /bin/busybox "$root/bin/busybox"
for applet in $(busybox --list); do
  [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
tar -C "$root" -c . | docker import - millrace/busybox:test
rm -r "$root"
`;

export type Tell = (line: string) => void;

/** The newest package that `npm run package` left in `dist/`. */
export function findPackage(): string {
  const found = globSync('dist/millrace_*_amd64.deb').toSorted().at(-1);
  if (found === undefined)
    throw new Error('there is no package in dist/; make one first: npm run package');
  return found;
}

/** Makes what is missing of the base and of the image with this package on it. */
export async function makeImage(docker: Docker, plan: LabPlan, tell: Tell): Promise<void> {
  const path = findPackage();
  const content = await readFile(path);
  const digest = createHash('sha256').update(content).digest('hex');
  const made = await imageLabels(docker, plan.image);
  if (made?.[PACKAGE_LABEL] === digest) return;
  await removeImages(docker, plan, false);
  if ((await imageLabels(docker, BASE_NAME))?.[BASE_LABEL] !== PACKAGES)
    await makeBase(docker, plan, tell);
  tell(`${plan.image}: ${basename(path)} on ${BASE_NAME}`);
  const container = await startBase(docker, plan, BASE_NAME);
  try {
    await container.putArchive(await packageArchive(content), { path: '/' });
    await expectDone(container, ['dpkg', '--install', '/package.deb']);
    await expectDone(container, ['rm', '/package.deb']);
    await commit(container, plan.image, [
      'CMD ["/sbin/init"]',
      `LABEL ${LAB_LABEL}=${plan.project}`,
      `LABEL ${PACKAGE_LABEL}=${digest}`,
    ]);
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** Removes the images of all packages, and with `base` what they were made on. */
export async function removeImages(docker: Docker, plan: LabPlan, base: boolean): Promise<void> {
  const filters = { label: [`${LAB_LABEL}=${plan.project}`] };
  for (const { Id, RepoTags } of await docker.listImages({ filters }))
    if (base || RepoTags?.includes(BASE_NAME) !== true)
      await docker.getImage(Id).remove({ force: true });
}

async function imageLabels(
  docker: Docker,
  name: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    return (await docker.getImage(name).inspect()).Config.Labels ?? {};
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function makeBase(docker: Docker, plan: LabPlan, tell: Tell): Promise<void> {
  const mirror = await debianMirror();
  if (mirror === undefined) {
    tell(
      `${BASE_NAME}: from ${REGISTRY_IMAGE}, for there is no debootstrap here, or apt gets no ${RELEASE}`,
    );
    await pullBase(docker);
  } else {
    tell(`${BASE_NAME}: by debootstrap, which takes a minute or two`);
    await bootstrapBase(docker, mirror);
  }
  const container = await startBase(docker, plan, BASE_NAME);
  try {
    if (mirror === undefined) {
      await expectDone(container, ['apt-get', 'update']);
      const install = ['apt-get', 'install', '-y', '--no-install-recommends'];
      await expectDone(container, [...install, ...PACKAGES.split(' ')]);
    }
    await container.putArchive(await settingsArchive(), { path: '/' });
    await commit(container, BASE_NAME, [
      'CMD ["/sbin/init"]',
      `LABEL ${LAB_LABEL}=${plan.project}`,
      `LABEL ${BASE_LABEL}="${PACKAGES}"`,
    ]);
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** Where apt gets Debian from; undefined where debootstrap or apt is missing. */
async function debianMirror(): Promise<string | undefined> {
  const format = '$(REPO_URI) $(CODENAME) $(COMPONENT)';
  try {
    await run('debootstrap', ['--version']);
    const targets = ['indextargets', '--format', format, 'Created-By: Packages'];
    const { stdout } = await run('apt-get', targets);
    const lines = stdout.split('\n').map((line) => line.split(' '));
    return lines.find(([, release, part]) => release === RELEASE && part === 'main')?.[0];
  } catch {
    return undefined;
  }
}

async function bootstrapBase(docker: Docker, mirror: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-machine-'));
  try {
    const root = join(folder, 'root');
    const include = `--include=${PACKAGES.replaceAll(' ', ',')}`;
    await run('debootstrap', ['--variant=minbase', include, RELEASE, root, mirror], {
      maxBuffer: 16 << 20,
    });
    const tar = spawn('tar', ['-C', root, '--exclude=./var/cache/apt/*', '-c', '.'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const answer = await docker.importImage(tar.stdout, BASE);
    for await (const chunk of answer) failOn(String(chunk));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pullBase(docker: Docker): Promise<void> {
  const stream = await docker.pull(REGISTRY_IMAGE, { abortSignal: AbortSignal.timeout(BOUND_MS) });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()));
  });
  await docker.getImage(REGISTRY_IMAGE).tag(BASE);
}

async function startBase(docker: Docker, plan: LabPlan, image: string): Promise<Docker.Container> {
  const container = await docker.createContainer({
    Image: image,
    Cmd: ['sleep', 'infinity'],
    Env: ['DEBIAN_FRONTEND=noninteractive'],
    Labels: { [LAB_LABEL]: plan.project },
  });
  await container.start();
  return container;
}

async function expectDone(container: Docker.Container, words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runIn(container, words);
  if (code === 0) return;
  throw new Error(`${words.join(' ')} ended with ${code}: ${(stdout + stderr).slice(-1_000)}`);
}

async function commit(
  container: Docker.Container,
  image: string,
  changes: readonly string[],
): Promise<void> {
  const [repo, tag] = image.split(':');
  await container.commit({ repo, tag, changes: changes.join('\n'), pause: true });
}

/** `/package.deb` with this content. */
export async function packageArchive(content: Buffer): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'package.deb', mode: 0o644 }, content);
  return finish(tar);
}

async function settingsArchive(): Promise<Buffer> {
  const tar = pack();
  const dropIn = 'etc/systemd/system/docker.service.d/under-machine.conf';
  tar.entry({ name: dropIn, mode: 0o644 }, DROP_IN);
  tar.entry({ name: 'usr/local/sbin/engine-under-machine', mode: 0o755 }, ENGINE_UNDER_MACHINE);
  tar.entry({ name: 'usr/local/sbin/load-busybox', mode: 0o755 }, LOAD_BUSYBOX);
  return finish(tar);
}

async function finish(tar: ReturnType<typeof pack>): Promise<Buffer> {
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function failOn(said: string): void {
  if (said.includes('"error"')) throw new Error(`the engine refused the base: ${said.trim()}`);
}
