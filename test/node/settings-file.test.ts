/** What is said of the settings is what holds: the file that is installed, the documents, the agent. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type AgentSettings, readSettings } from '../../node/config.ts';
import { SYSTEM_PATHS } from '../../node/paths.ts';
import { SETTINGS, settingsFile } from '../../node/settings-file.ts';

const DOCS = new URL('../../docs/install.md', import.meta.url);

function settingsIn(content: string): AgentSettings {
  const folder = mkdtempSync(join(tmpdir(), 'mr-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'agent.yaml');
  writeFileSync(path, content);
  const invoked = readSettings(['--config', path]);
  if (invoked.kind !== 'run') throw new Error(invoked.text);
  return invoked.settings;
}

const withAllKeys = settingsFile().replaceAll(/^#(?=\w+: )/gm, '');

it('changes nothing as it is installed', () => {
  expect(settingsIn(settingsFile())).toEqual(settingsIn(''));
});

it('shows every key at its default', () => {
  const { name, guard, dockerSocket, ...shown } = settingsIn(withAllKeys);
  const { name: own, guard: none, ...byDefault } = settingsIn('');
  expect(shown).toEqual({
    ...byDefault,
    state: SYSTEM_PATHS.state,
    socket: SYSTEM_PATHS.socket,
  });
  // These have no default that is the same everywhere.
  expect([own, none]).toEqual([hostname().split('.')[0], undefined]);
  expect([name, guard, dockerSocket]).toEqual([
    SETTINGS.name.value,
    SETTINGS.guard.value,
    SETTINGS.docker_socket.value,
  ]);
});

it.each(['scripts/package/files/agentd.service', 'scripts/package/files/agentd-guard.service'])(
  '%s and the settings name the same socket of the guard',
  (path) => {
    expect(readFileSync(path, 'utf8')).toContain(` ${SETTINGS.guard.value}\n`);
  },
);

it('is shown whole in docs/install.md', () => {
  expect(readFileSync(DOCS, 'utf8')).toContain(`\`\`\`yaml\n${settingsFile()}\`\`\`\n`);
});
