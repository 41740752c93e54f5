import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEngine } from '../../../node/engine/select.ts';

const scope = { cluster: 'c1', host: 'h1', publishAddress: '127.0.0.1' };
let stateDir = '';
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'select-'));
});
afterEach(() => rm(stateDir, { recursive: true }));

it('runs processes where no Docker Engine answers', async () => {
  const dockerSocket = join(stateDir, 'none.sock');
  await using engine = await openEngine('auto', scope, { dockerSocket, stateDir });
  expect(engine.kind).toBe('process');
});

it('refuses where Docker is asked for and none answers, naming every socket tried', async () => {
  const dockerSocket = join(stateDir, 'none.sock');
  const opened = openEngine('docker', scope, { dockerSocket, stateDir });
  await expect(opened).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(
      /^no Docker Engine answers: tried .*none\.sock \(.*ENOENT.*; start/,
    ),
  });
});
