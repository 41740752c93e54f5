/**
 * `npm run package [-- FOLDER]`: `millrace_VERSION_ARCH.deb` in that folder or in `dist/`, for the architecture and with the Node of this
 * machine. One executable, its services, and what belongs to a command on Debian.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { offersOf } from '../node/cli/completion/offers.ts';
import { completionScript } from '../node/cli/completion/scripts.ts';
import { createProgram } from '../node/cli/program.ts';
import { VERSION } from '../node/config.ts';
import { settingsFile } from '../node/settings-file.ts';
import { ROOT } from './package/bundled.ts';
import { buildPackage, type Entry, place } from './package/debian.ts';
import { buildExecutable } from './package/executable.ts';
import { manualPages } from './package/manual.ts';

const OUT = process.argv[2] ?? join(ROOT, 'dist');
const CONFIG = 'etc/millrace/agent.yaml';

const packaged = (name: string): string =>
  readFileSync(join(ROOT, 'scripts/package/files', name), 'utf8');
const file = (path: string, content: string): Entry => ({ kind: 'file', path, content });

const cliDocs = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');
const offers = offersOf(createProgram(() => Promise.resolve()));

const ENTRIES: readonly Entry[] = [
  ...manualPages(cliDocs).map(({ name, section, text }): Entry => ({
    kind: 'file',
    path: `usr/share/man/man${section}/${name}.${section}.gz`,
    content: gzipSync(text, { level: 9 }),
  })),
  file('usr/share/bash-completion/completions/agentctl', completionScript('bash', offers)),
  file('usr/share/zsh/vendor-completions/_agentctl', completionScript('zsh', offers)),
  file('usr/share/fish/vendor_completions.d/agentctl.fish', completionScript('fish', offers)),
  { kind: 'link', path: 'usr/bin/agentctl', to: 'agentd' },
  file(CONFIG, settingsFile()),
  file('usr/lib/systemd/system/agentd.service', packaged('agentd.service')),
  file('usr/lib/systemd/system/agentd-guard.service', packaged('agentd-guard.service')),
  file('usr/lib/sysusers.d/millrace.conf', packaged('sysusers.conf')),
  file('usr/lib/tmpfiles.d/millrace.conf', packaged('tmpfiles.conf')),
  file('usr/share/doc/millrace/copyright', readFileSync(join(ROOT, 'LICENSE'), 'utf8')),
];

async function main(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'millrace-package-'));
  try {
    const root = join(work, 'root');
    mkdirSync(join(root, 'usr/bin'), { recursive: true });
    await buildExecutable(work, join(root, 'usr/bin/agentd'));
    for (const entry of ENTRIES) place(root, entry);
    const architecture = told('dpkg', '--print-architecture');
    const name = `millrace_${VERSION}_${architecture}.deb`;
    buildPackage(
      root,
      {
        control: {
          Package: 'millrace',
          Version: VERSION,
          Architecture: architecture,
          Maintainer: 'Millrace <millrace@localhost>',
          Section: 'admin',
          Priority: 'optional',
          // The libraries of the executable by `ldd`; libsystemd0 it loads by itself.
          Depends:
            'libatomic1, libc6 (>= 2.28), libgcc-s1, libstdc++6, libsystemd0, systemd, init-system-helpers',
          Recommends: 'docker.io | docker-ce',
        },
        description: [
          'peer-to-peer supervisor for containers',
          'Every host runs the same agent; there is no manager, no server and no external store.',
          'The agents keep the stacks of a Compose file running: what dies is started again, and',
          'what a lost host ran is started elsewhere.',
        ],
        scripts: Object.fromEntries(
          ['postinst', 'prerm', 'postrm'].map((script) => [script, packaged(script)]),
        ),
        conffiles: [`/${CONFIG}`],
      },
      join(work, name),
    );
    mkdirSync(OUT, { recursive: true });
    copyFileSync(join(work, name), join(OUT, name));
    const megabytes = Math.ceil(statSync(join(OUT, name)).size / 1e6);
    process.stdout.write(`${join(OUT, name)}  ${megabytes} MB\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const told = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8' }).trim();

await main();
