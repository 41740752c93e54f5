/** A tree of files as a Debian package, by dpkg-deb alone. */
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Entry =
  | { readonly kind: 'file'; readonly path: string; readonly content: string | Uint8Array }
  | { readonly kind: 'link'; readonly path: string; readonly to: string };

export type Package = {
  /** `Name: value`, in order, without `Installed-Size`. */
  readonly control: Readonly<Record<string, string>>;
  readonly description: readonly string[];
  /** Maintainer scripts by name. */
  readonly scripts: Readonly<Record<string, string>>;
  readonly conffiles: readonly string[];
};

/** Writes an entry below `root`, readable by all. */
export function place(root: string, entry: Entry): void {
  const path = join(root, entry.path);
  mkdirSync(dirname(path), { recursive: true });
  if (entry.kind === 'link') symlinkSync(entry.to, path);
  else writeFileSync(path, entry.content);
}

/** `root` holds the files as they are to be installed; it becomes `output`. */
export function buildPackage(root: string, what: Package, output: string): void {
  // Whatever this machine's umask is.
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const stat = lstatSync(join(root, path));
    if (stat.isSymbolicLink()) continue;
    chmodSync(join(root, path), stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
  chmodSync(root, 0o755);
  const fields = { ...what.control, 'Installed-Size': String(sizeOf(root)) };
  const control = [
    ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
    `Description: ${what.description[0]}`,
    ...what.description.slice(1).map((line) => ` ${line}`),
  ];
  const meta = join(root, 'DEBIAN');
  mkdirSync(meta, { mode: 0o755 });
  writeFileSync(join(meta, 'control'), `${control.join('\n')}\n`);
  writeFileSync(join(meta, 'conffiles'), what.conffiles.map((path) => `${path}\n`).join(''));
  for (const [name, content] of Object.entries(what.scripts)) {
    writeFileSync(join(meta, name), content);
    chmodSync(join(meta, name), 0o755);
  }
  // dpkg reads it since Debian 12. Of the executable it makes 43 MB in 2 s, where xz makes 37 MB in 19 s.
  const how = ['--root-owner-group', '-Zzstd', '-z5', '--build', root, output];
  execFileSync('dpkg-deb', how, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** In KiB, as dpkg counts. */
function sizeOf(root: string): number {
  let size = 0;
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const stat = lstatSync(join(root, path));
    size += stat.isFile() ? Math.ceil(stat.size / 1024) : 1;
  }
  return size;
}
