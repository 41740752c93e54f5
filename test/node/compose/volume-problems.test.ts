/** What a user reads about the volumes at the top of a file, and what becomes of them. */
import { expect, it } from 'vitest';
import { componentOf } from './folder.ts';
import { told, web } from './told.ts';

const made = (making: string): string => `${web('volumes: [d:/b]')}volumes: {d: ${making}}\n`;
const fix = 'write the absolute path of a folder that each host has, or use a named volume';
const relative = (path: string, column: number): readonly string[] => [
  `c.yaml:5:${column} volumes.d.driver_opts.device: the path "${path}" is relative: on every host it would be another folder; ${fix}`,
];
it.each([
  ['{driver_opts: {type: none, o: bind, device: ./a}}', relative('./a', 58)],
  ['{driver: local, driver_opts: {o: "ro,rbind", device: a}}', relative('a', 67)],
  ['{driver_opts: {type: none, o: bind, device: /a}}', []],
  ['{driver_opts: {type: tmpfs, o: size=1m, device: tmpfs}}', []],
  ['{driver_opts: {type: nfs, o: addr=10.0.0.1, device: ":/a"}}', []],
  ['{driver: other, driver_opts: {o: bind, device: a}}', []],
  ['{driver_opts: {o: bind}}', []],
  ['{driver_opts: {type: none, o: "ro,unbindable", device: a}}', []],
])('volume %s tells %j', (making, wanted) => {
  expect(told(made(making))).toEqual(wanted);
});

it('passes on what is right', () => {
  const text = made('{driver_opts: {type: none, o: bind, device: /a}}');
  expect(componentOf({ 'c.yaml': text }).volumes).toMatchObject([
    { made: { options: { type: 'none', o: 'bind', device: '/a' } } },
  ]);
});
