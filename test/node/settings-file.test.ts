/** What is said of the settings is what holds: the file that is installed, the documents, the agent. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type AgentSettings, readSettings } from '../../node/config.ts';
import { StartupError } from '../../node/startup-error.ts';
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

it('takes labels as YAML has them, and none that constraints could not name', () => {
  expect(settingsIn('labels: { disk: ssd, gpus: 2, spare: true }').labels).toEqual({
    disk: 'ssd',
    gpus: '2',
    spare: 'true',
  });
  const refused = (labels: string): string => {
    try {
      return JSON.stringify(settingsIn(`labels: ${labels}`).labels);
    } catch (error) {
      return error instanceof StartupError ? error.parts.why : String(error);
    }
  };
  expect(refused('{ "a b": 1 }')).toMatch(/agent.yaml: labels: must be a name of letters/);
  expect(refused('{ a: [1] }')).toMatch(/agent.yaml: labels.a: must be a name of letters/);
  expect(refused(`{ a: ${'x'.repeat(64)} }`)).toMatch(/labels: must be a name of letters/);
  const many = Array.from({ length: 33 }, (_, i) => `l${i}: 1`).join(', ');
  expect(refused(`{ ${many} }`)).toMatch(/labels: at most 32 labels/);
});
