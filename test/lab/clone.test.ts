/** `scripts/install.sh` under a systemd that runs: a host with a clone in place of the package. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findPackage, packageArchive } from '../../node/local/lab/image.ts';
import { containerOf, execIn, type Lab } from '../../node/local/lab/lab.ts';
import {
  containersOn,
  deploy,
  done,
  formedLab,
  IS_FULL,
  namesOf,
  renewed,
  runOnce,
  slots,
  tokenOf,
  votersOf,
  webOf,
} from './machines.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLONE = '/opt/millrace';
const AGENTCTL = `${CLONE}/node_modules/.bin/node ${CLONE}/node/cli/main.ts`;
const WEB = slots('demo.web', 5);
/** What working on it needs and running it does not, by far the larger part of the rest. */
const LEFT_OUT = ['@typescript', 'typescript', '@oxlint*', '@oxfmt', 'oxfmt', '@rolldown', 'knip'];

async function putClone(lab: Lab, name: string): Promise<void> {
  const without = LEFT_OUT.map((one) => `--exclude=node_modules/${one}`);
  const parts = ['node', 'protocol', 'sim', 'scripts', 'package.json', 'node_modules'];
  const tar = spawn('tar', ['-C', ROOT, '--owner=0', '--group=0', ...without, '-c', ...parts], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await containerOf(lab, name).putArchive(tar.stdout, { path: CLONE });
}

test.runIf(IS_FULL)(
  'install.sh makes a clone a service, upgrades it in place, and takes it away again',
  async () => {
    const lab = await formedLab();
    const names = namesOf(lab);
    const [asked = ''] = names;
    const [host = ''] = (await votersOf(lab, asked)).others;
    expect(await deploy(lab, asked, webOf(5))).toMatchObject({ code: 0 });
    await runOnce(lab, names, WEB);

    await done(lab, host, `dpkg --purge millrace; mkdir -p ${CLONE}`);
    await putClone(lab, host);
    await done(lab, host, `sh ${CLONE}/scripts/install.sh`);
    await done(lab, host, 'systemctl is-active agentd agentd-guard');
    await done(lab, host, `${AGENTCTL} cluster join ${await tokenOf(lab, asked)}`);
    await renewed(lab, asked, host);
    // Nothing comes back to it by itself; a sixth goes where the fewest are.
    expect(await deploy(lab, asked, webOf(6))).toMatchObject({ code: 0 });
    await runOnce(lab, names, slots('demo.web', 6));
    const before = await containersOn(lab, [host]);
    expect(before).toHaveLength(1);

    await done(lab, host, `sh ${CLONE}/scripts/install.sh`);
    await renewed(lab, asked, host);
    expect(await containersOn(lab, [host])).toEqual(before);

    await done(lab, host, `sh ${CLONE}/scripts/install.sh --uninstall`);
    expect((await execIn(lab, host, ['systemctl', 'cat', 'agentd'])).code).not.toBe(0);
    expect(await containersOn(lab, [host])).toEqual(before);

    // The package takes over what the clone has left, the host's identity with it.
    const archive = await packageArchive(readFileSync(findPackage()));
    await containerOf(lab, host).putArchive(archive, { path: '/' });
    await done(lab, host, 'dpkg --install /package.deb; rm /package.deb');
    await renewed(lab, asked, host);
    await runOnce(lab, names, slots('demo.web', 6));
  },
);
