import { multiaddr } from '@multiformats/multiaddr';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openAddressBook } from '../../../node/network/address-book.ts';
import { NETWORK_LIMITS } from '../../../node/network/limits.ts';
import { memoryBook } from './harness.ts';

const limits = { ...NETWORK_LIMITS, peersMax: 3, addressesPerPeerMax: 2 };
const at = (...hosts: string[]) => hosts.map((host) => multiaddr(`/ip4/${host}/tcp/7400`));
async function open(entries?: Map<string, readonly string[]>) {
  const port = memoryBook(entries);
  const book = await openAddressBook({
    port,
    accepts: (address) => !address.toString().includes('/127.'),
    limits,
    log: pino({ level: 'silent' }),
  });
  const hostsOf = (peerId: string): string[] =>
    book.addressesOf(peerId).map((address) => address.toString().split('/')[2] ?? '');
  return { port, book, hostsOf };
}

test('rumors are tried, never stored; what a peer proved is stored without its peer id', async () => {
  const { port, book, hostsOf } = await open();
  const id = '12D3KooWFyHeftVzQVaWySSBsQE5JyFHx67hH5E19VXyEJBpkkcm';
  expect(book.learn('a', at('10.0.0.1'))).toBe(true);
  expect(book.learn('a', at('10.0.0.1'))).toBe(false);
  book.confirm('b', multiaddr(`/ip4/10.0.0.2/tcp/7400/p2p/${id}`));
  expect([hostsOf('a'), hostsOf('b')]).toEqual([['10.0.0.1'], ['10.0.0.2']]);
  await book.close();
  expect([...port.entries]).toEqual([['b', ['/ip4/10.0.0.2/tcp/7400']]]);
});

test('the latest confirmed comes first, the oldest beyond the bound is forgotten', async () => {
  const { book, hostsOf } = await open();
  for (const host of ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
    for (const address of at(host)) book.confirm('a', address);
  expect(hostsOf('a')).toEqual(['10.0.0.3', '10.0.0.2']);
});

test('what a peer says of itself replaces what was known, unless it says nothing of use', async () => {
  const { book, hostsOf } = await open(new Map([['a', ['/ip4/10.0.0.1/tcp/1']]]));
  book.replace('a', at('127.0.0.1'));
  expect(hostsOf('a')).toEqual(['10.0.0.1']);
  book.replace('a', at('10.0.0.9', '127.0.0.1'));
  expect(hostsOf('a')).toEqual(['10.0.0.9']);
});

test('addresses that are not accepted are neither learned nor used, though stored once', async () => {
  const { book, hostsOf } = await open(
    new Map([['a', ['/ip4/127.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/1']]]),
  );
  expect(book.learn('b', at('127.0.0.1'))).toBe(false);
  expect([hostsOf('a'), hostsOf('b')]).toEqual([['10.0.0.1'], []]);
});

test('when full, the rumor heard of longest ago makes room, a proved peer never', async () => {
  const { book, hostsOf } = await open();
  for (const address of at('10.0.0.1')) book.confirm('proved', address);
  book.learn('old', at('10.0.0.2'));
  book.learn('new', at('10.0.0.3'));
  book.learn('newest', at('10.0.0.4'));
  const known = ['proved', 'old', 'new', 'newest'].filter((peerId) => hostsOf(peerId).length > 0);
  expect(known).toEqual(['proved', 'new', 'newest']);
});
