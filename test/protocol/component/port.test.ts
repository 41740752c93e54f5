/** What is made of the numbers that were chosen for the ports of a slot. */
import { expect, it } from 'vitest';
import {
  type ChosenPorts,
  hasOtherNumber,
  portName,
  protocolOf,
  withChosen,
} from '../../../protocol/component/port.ts';
import type { Port } from '../../../protocol/component/spec.ts';
import { spec } from '../reconcile/stage.ts';

const TCP: Port = { target: 80, protocol: 'tcp' };
const FIXED: Port = { target: 81, published: 8081, protocol: 'tcp' };

it.each<[Port, string]>([
  [TCP, '80/tcp'],
  [{ target: 53, protocol: 'udp' }, '53/udp'],
  [{ ...TCP, address: '::1' }, '::1:80/tcp'],
])('%j is called %s', (port, name) => {
  expect(portName(port)).toBe(name);
  expect(protocolOf(name)).toBe(port.protocol);
});

it.each<[string, readonly Port[], ChosenPorts | undefined, readonly (number | undefined)[]]>([
  ['the number that was chosen', [TCP], { '80/tcp': 20_001 }, [20_001]],
  ['the one that is fixed', [FIXED], { '81/tcp': 20_001 }, [8081]],
  ['none where none was chosen', [TCP, FIXED], {}, [undefined, 8081]],
  ['none by an older record', [TCP], undefined, [undefined]],
  ['one of what is said twice', [TCP, FIXED, TCP, FIXED], { '80/tcp': 2 }, [2, 8081, 8081]],
  ['one for each address', [TCP, { ...TCP, address: '::1' }], { '::1:80/tcp': 2 }, [undefined, 2]],
])('starts with %s', (_why, ports, chosen, published) => {
  expect(withChosen(spec({ ports }), chosen).ports.map((port) => port.published)).toEqual(
    published,
  );
});

const RANGE = { portFirst: 20_000, portLast: 20_009 };
const bound = (...published: readonly number[]) =>
  published.map((each) => ({ target: 80, published: each }));
const CHOSEN = { '80/tcp': 20_001, '80/udp': 20_002 };
const both: readonly Port[] = [TCP, { target: 80, protocol: 'udp' }];

it.each<[string, readonly Port[], ChosenPorts | undefined, ReturnType<typeof bound>, boolean]>([
  ['it has its own', [TCP], CHOSEN, bound(20_001), false],
  ['it has another', [TCP], CHOSEN, bound(20_003), true],
  ['it has what an engine chose', [TCP], CHOSEN, bound(32_768), false],
  ['it has what the process listens on', [TCP], CHOSEN, bound(80), false],
  ['nothing is known of it', [TCP], CHOSEN, [], false],
  [
    'the other number is of another port',
    [TCP],
    CHOSEN,
    [{ target: 90, published: 20_003 }],
    false,
  ],
  ['no number was chosen', [TCP], undefined, bound(20_003), false],
  ['the last one could not be had', [TCP], {}, bound(20_003), false],
  ['it has both', both, CHOSEN, bound(20_001, 20_002), false],
  ['it has one of two', both, CHOSEN, bound(20_001, 20_003), true],
  ['the port is fixed by now', [{ ...TCP, published: 8080 }], CHOSEN, bound(20_003), false],
  ['the first of the range counts', [TCP], CHOSEN, bound(20_000), true],
  ['the last of the range counts', [TCP], CHOSEN, bound(20_009), true],
  ['one beyond it does not', [TCP], CHOSEN, bound(20_010, 19_999), false],
])('%s', (_why, ports, chosen, is, isOther) => {
  expect(hasOtherNumber(spec({ ports }), chosen, is, RANGE)).toBe(isOther);
});
