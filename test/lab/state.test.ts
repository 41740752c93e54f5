/** What a host remembers, and what it takes for the time: a full disk, a lost and a copied folder, a clock set back. */
import { expect, test } from 'vitest';
import { containerOf, type Lab, until } from '../../node/local/lab/lab.ts';
import {
  agentctl,
  allAgree,
  deploy,
  done,
  formedLab,
  IS_FULL,
  leaderOf,
  namesOf,
  renewed,
  runOnce,
  said,
  slots,
  STEP_MS,
  tokenOf,
  votersOf,
  webOf,
} from './machines.ts';

const WEB = slots('demo.web', 5);
const STATE = '/var/lib/millrace';

async function runningLab(): Promise<{ lab: Lab; names: readonly string[] }> {
  const lab = await formedLab();
  const names = namesOf(lab);
  expect(await deploy(lab, names[0] ?? '', webOf(5))).toMatchObject({ code: 0 });
  await runOnce(lab, names, WEB);
  return { lab, names };
}

/** The state folder on a disk of eight MiB; what it held is copied there. */
const SMALL_DISK = `mkdir -p /small; mount -t tmpfs -o size=8m tmpfs /small
  systemctl stop agentd; cp -a ${STATE}/. /small/; chown millrace: /small; chmod 700 /small
  mount --bind /small ${STATE}; systemctl start agentd`;
const OWN_DISK = `systemctl stop agentd; umount ${STATE}; cp -a /small/. ${STATE}/; umount /small
  systemctl start agentd`;

test.runIf(IS_FULL)(
  'a voter whose disk is full ends, says so, and is back when there is room',
  async () => {
    const { lab, names } = await runningLab();
    const { voters } = await votersOf(lab, names[0] ?? '');
    const full = voters.at(-1) ?? '';
    const well = names.filter((name) => name !== full);
    const [asked = ''] = well;
    await done(lab, full, SMALL_DISK);
    await allAgree(lab, names);
    try {
      await done(lab, full, `dd if=/dev/zero of=${STATE}/filler bs=64k 2>/dev/null || :`);
      // The others are a majority: what is decided meanwhile stands.
      expect(await deploy(lab, asked, webOf(5, '{}', 1))).toMatchObject({ code: 0 });
      const doctor = await until('the doctor to find the disk full', STEP_MS, async () => {
        const { code, stdout } = await agentctl(lab, full, 'doctor');
        return code === 3 && /^fail +(disk|state)/m.test(stdout) ? stdout : undefined;
      });
      expect(doctor).toMatch(/0 MiB free|ENOSPC/);
      expect(await done(lab, full, 'journalctl -u agentd -o cat')).toMatch(
        /disk (is full|has room)/,
      );
      await runOnce(lab, well, WEB);
    } finally {
      await done(lab, full, `rm -f ${STATE}/filler; ${OWN_DISK}`);
    }
    await allAgree(lab, names);
    await runOnce(lab, names, WEB);
  },
);

test.runIf(IS_FULL)(
  'a host that has lost its state joins as another, and ends what it ran before',
  async () => {
    const { lab, names } = await runningLab();
    const { others } = await votersOf(lab, names[0] ?? '');
    const [lost = ''] = others;
    const left = names.filter((name) => name !== lost);
    const [asked = ''] = left;
    const token = await tokenOf(lab, asked);
    await done(lab, lost, `find ${STATE} -mindepth 1 -delete; systemctl kill --signal=KILL agentd`);
    await until('it to say that it belongs to nobody', STEP_MS, async () =>
      (await agentctl(lab, lost, 'status')).stderr.includes('belongs to no cluster')
        ? true
        : undefined,
    );
    await runOnce(lab, left, WEB);
    await said(lab, lost, 'cluster', 'join', token);
    await renewed(lab, asked, lost);
    expect(await runOnce(lab, names, WEB)).toHaveLength(WEB.length);
  },
);

test.runIf(IS_FULL)(
  'a copied state folder: the older of two says so and serves nothing, until one is renewed',
  async () => {
    const { lab, names } = await runningLab();
    const { others } = await votersOf(lab, names[0] ?? '');
    const [copied = '', copy = ''] = others;
    const [asked = ''] = names.filter((name) => name !== copied && name !== copy);
    const folder = await containerOf(lab, copied).getArchive({ path: STATE });
    await done(lab, copy, `systemctl stop agentd; find ${STATE} -mindepth 1 -delete`);
    await containerOf(lab, copy).putArchive(folder, { path: '/var/lib' });
    await done(lab, copy, 'systemctl start agentd');
    await until('it to say that it runs twice', STEP_MS, async () =>
      (await agentctl(lab, copied, 'status')).stdout.includes('this host runs twice')
        ? true
        : undefined,
    );
    const doctor = (await agentctl(lab, copied, 'doctor')).stdout;
    expect(doctor).toMatch(new RegExp(`^fail +identity +${copied} runs twice`, 'm'));

    // As the doctor says.
    const token = await tokenOf(lab, asked);
    await done(
      lab,
      copy,
      `systemctl stop agentd; rm -rf /root/copied; mkdir /root/copied
     find ${STATE} -mindepth 1 -maxdepth 1 -exec mv {} /root/copied ';'; systemctl start agentd`,
    );
    await said(lab, copy, 'cluster', 'join', token);
    await done(lab, copied, 'systemctl restart agentd');
    await renewed(lab, asked, copy);
    await runOnce(lab, names, WEB);
  },
);

/** The agent of that machine reads its wall clock through this file, a number of seconds to add. */
const OWN_CLOCK = `mkdir -p /etc/systemd/system/agentd.service.d; echo +0 >/etc/millrace/clock
  cat >/etc/systemd/system/agentd.service.d/clock.conf <<END
[Service]
Environment=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1
Environment=FAKETIME_TIMESTAMP_FILE=/etc/millrace/clock FAKETIME_NO_CACHE=1
Environment=FAKETIME_DONT_FAKE_MONOTONIC=1
END
  systemctl daemon-reload; systemctl restart agentd`;
const KERNEL_CLOCK = `rm /etc/systemd/system/agentd.service.d/clock.conf
  systemctl daemon-reload; systemctl restart agentd`;

test.runIf(IS_FULL)(
  "an agent's wall clock is set back an hour: nothing is restarted or moved, and the doctor says so",
  async () => {
    const { lab, names } = await runningLab();
    const [asked = ''] = names;
    const back = await leaderOf(lab, asked, 'demo.web');
    const [other = ''] = names.filter((name) => name !== back);
    await done(lab, back, OWN_CLOCK);
    try {
      await allAgree(lab, names);
      const before = await runOnce(lab, names, WEB);
      await done(lab, back, 'echo -3600 >/etc/millrace/clock');
      await until('the doctor to see it', STEP_MS, async () =>
        (await agentctl(lab, other, 'doctor')).stdout
          .replaceAll(/\s+/g, ' ')
          .includes(`the wall clock of ${back} is 3600`)
          ? true
          : undefined,
      );
      await allAgree(lab, names);
      expect(await runOnce(lab, names, WEB)).toEqual(before);
      // Leases, waits and restarts go by other clocks.
      const killed = before.find(({ machine }) => machine === back);
      await done(lab, back, `docker kill ${killed?.id}`);
      await runOnce(lab, names, WEB);
      expect(await deploy(lab, back, webOf(5, '{}', 1))).toMatchObject({ code: 0 });
    } finally {
      await done(lab, back, KERNEL_CLOCK);
    }
    await allAgree(lab, names);
    await runOnce(lab, names, WEB);
  },
);
