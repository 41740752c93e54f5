import { expect, it } from 'vitest';
import { staysBehind, type Volume, type VolumeMaking } from '../../../protocol/component/volume.ts';

const mount = { source: 'data', target: '/data', readOnly: false };
const named = (made: VolumeMaking = {}): Volume => ({ kind: 'named', ...mount, made });

it.each<readonly [boolean, string, Volume]>([
  [true, 'of the engine of a host', named()],
  [true, 'that a user has made there', named({ name: 'mine', external: true })],
  [true, 'a device of its own', named({ options: { type: 'ext4', device: '/dev/sdb1' } })],
  [false, 'a file system of the network', named({ options: { type: 'nfs', device: ':/x' } })],
  [false, 'of a driver that is not local', named({ driver: 'rexray' })],
  [false, 'a folder of the host', { kind: 'bind', ...mount, source: '/srv' }],
])('stays behind: %s, %s', (stays, _, volume) => {
  expect(staysBehind(volume)).toBe(stays);
});
