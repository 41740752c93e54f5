/**
 * Installs the packages, among them Node 26 itself, under whatever Node npm runs on (18 or newer).
 *
 * npm runs this before `start`, `test`, `check`, `sim` and `bench`; inside those scripts `node` is
 * then `node_modules/.bin/node`. Plain JavaScript without a package, because none is there yet. Does
 * nothing where the stamp in node_modules says that the last install succeeded for these very inputs.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stampPath = join(root, 'node_modules', '.millrace-setup');
const installedNode = join(root, 'node_modules', 'node', 'bin', 'node');

/** What npm said, or what the system said, and the advice that goes with it; the first match wins. */
const REMEDIES = [
  [
    /bin.node ENOENT/,
    'npm did not run the install script of the package `node`',
    'npm config set ignore-scripts false, then: rm -rf node_modules && npm ci',
  ],
  [/ENOSPC/, 'the disk is full', 'free some space, then run the same command again'],
  [/EACCES|EPERM|EROFS/, 'a file may not be written', `sudo chown -R "$(id -un)" '${root}'`],
  [/ENOENT.*spawn|spawn.*ENOENT/, 'npm was not found', 'install npm, or add it to PATH'],
  [
    /in sync|EUSAGE/,
    'package-lock.json does not fit package.json',
    'npm install, and commit the package-lock.json it writes',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/,
    'the package registry does not answer',
    'check the network, `npm config get registry` and `npm config get proxy`, then try again',
  ],
  [
    /libatomic/,
    'Node 26 needs the system library libatomic',
    'sudo apt-get install libatomic1      (Fedora: sudo dnf install libatomic)',
  ],
  [/GLIBC/, 'Node 26 needs a newer system', 'use a system with glibc 2.28 or newer'],
];

const stamp = stampOf();
if (readStamp() !== stamp) {
  console.error('millrace: installing packages into node_modules (once, under a minute)');
  install();
  writeFileSync(stampPath, stamp);
}

/** Changes with whatever changes the outcome of an install, and with nothing else. */
function stampOf() {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { dependencies, devDependencies, optionalDependencies, overrides, allowScripts } = manifest;
  const wanted = { dependencies, devDependencies, optionalDependencies, overrides, allowScripts };
  return createHash('sha256')
    .update(JSON.stringify(wanted))
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(`${process.platform} ${process.arch}`)
    .digest('hex');
}

function readStamp() {
  try {
    return readFileSync(stampPath, 'utf8');
  } catch {
    return undefined;
  }
}

function install() {
  const outer = outerNode();
  npmCi(outer.path, process.env.PATH);
  // npm leaves out the native parts whose `engines` refuse the Node it runs on.
  if (isOlderThan(outer.version, 20, 19)) npmCiUnderNode26();
  const probe = spawnSync(installedNode, ['--version'], { encoding: 'utf8' });
  if (probe.status !== 0) {
    const said = probe.error?.message ?? probe.stderr;
    fail('Node 26 was installed but does not run', `${installedNode}: ${said}`);
  }
}

/** The Node that npm itself runs on: in a script, `node` may already mean the one installed here. */
function outerNode() {
  const path = process.env['npm_node_execpath'] ?? process.execPath;
  const probe = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' });
  if (probe.status !== 0) return { path: process.execPath, version: process.versions.node };
  return { path, version: probe.stdout.trim() };
}

function isOlderThan(version, major, minor) {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

/** From a copy outside, because `npm ci` starts by deleting the Node that it would run on. */
function npmCiUnderNode26() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-setup-'));
  try {
    const node = join(folder, 'node');
    cpSync(installedNode, node, { dereference: true });
    npmCi(node, folder + delimiter + process.env.PATH);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function npmCi(node, path) {
  const npm = process.env['npm_execpath'];
  const args = ['ci', '--loglevel=error', '--include=dev', '--include=optional'];
  const [file, ...rest] = npm ? [node, npm, ...args] : ['npm', ...args];
  const run = spawnSync(file, rest, {
    cwd: root,
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: !npm && process.platform === 'win32',
  });
  if (run.status === 0) return;
  if (run.signal) fail(`installing packages was stopped by ${run.signal}`, '');
  fail('the packages could not be installed', run.error?.message ?? run.stderr);
}

/** Three parts, like every error of Millrace: what happened, why, what to do next. */
function fail(what, said) {
  const remedy = REMEDIES.find(([pattern]) => pattern.test(said));
  const lines = said
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim())
    .filter((line) => line !== '');
  const [
    ,
    why = lines[0] ?? 'no reason was given',
    next = 'npm ci      (shows all that npm says)',
  ] = remedy ?? [];
  const quoted = lines.slice(0, 4).map((line) => `        ${line.slice(0, 160)}\n`);
  process.stderr.write(`error: ${what}\n  why   ${why}\n${quoted.join('')}  next  ${next}\n`);
  process.exit(1);
}
