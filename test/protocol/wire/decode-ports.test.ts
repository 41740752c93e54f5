/** Which numbers of ports are taken from a record, and which are refused. */
import { expect, it } from 'vitest';
import { COMPONENT, type Patch, record, verdict } from './examples.ts';

const having = (ports: unknown): Patch => {
  const value = {
    kind: 'component',
    component: 'shop.db',
    life: 0,
    stackRevision: { term: 1, seq: 1 },
    spec: COMPONENT,
    slots: [{ slot: 1, host: 'h1', ports }],
  };
  return { record: record('component/shop.db', value) };
};
const AT = 'record.value.slots[0].ports';

it.each<[string, unknown, string]>([
  ['one number', { '80/tcp': 20_000 }, 'ok'],
  ['several, with addresses', { '127.0.0.1:80/tcp': 1, '::1:53/udp': 65_535 }, 'ok'],
  ['none, as an older agent writes it', undefined, 'ok'],
  ['zero, by which an engine would choose', { '80/tcp': 0 }, `range at ${AT}["80/tcp"]`],
  ['more than a port', { '80/tcp': 65_536 }, `range at ${AT}["80/tcp"]`],
  ['a text', { '80/tcp': '20000' }, `type at ${AT}["80/tcp"]`],
  ['another protocol', { '80/sctp': 1 }, `form at ${AT}["80/sctp"]`],
  ['a list', [20_000], `type at ${AT}`],
  ['a zero character', { 'a\0:80/tcp': 1 }, `form at ${AT}["a\\u0000:80/tcp"]`],
])('%s', (_why, ports, expected) => {
  expect(verdict('push', having(ports))).toBe(expected);
});
