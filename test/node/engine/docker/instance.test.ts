/** Where a container listens, by what the engine says of it. */
import { expect, it } from 'vitest';
import type { EngineInstance } from '../../../../node/engine/engine.ts';
import { readInstance } from '../../../../node/engine/docker/instance.ts';
import { writeLabels } from '../../../../node/engine/docker/labels.ts';

const scope = { cluster: 'c1', host: 'h1', publishAddress: '10.0.0.1' };
const labels = { component: 'shop.web', slot: 1, attempt: 1, revision: 'r', term: 1 };

function networkOf(mode: string, networks: object | null): EngineInstance['network'] {
  const state = { Status: 'running', Pid: 7, ExitCode: 0, OOMKilled: false, StartedAt: 'now' };
  return readInstance(scope, {
    Id: 'i',
    Name: '/n',
    Config: { Labels: writeLabels(scope, labels) },
    State: state,
    HostConfig: { NetworkMode: mode },
    NetworkSettings: { Ports: {}, Networks: networks },
  })?.network;
}

const at = (IPAddress: string, GlobalIPv6Address = ''): object => ({
  IPAddress,
  GlobalIPv6Address,
});

it.each<readonly [string, object | null, EngineInstance['network'], string]>([
  ['shop_default', { a: at('172.18.0.2') }, { kind: 'own', address: '172.18.0.2' }, 'its own'],
  [
    'shop_default',
    { a: at(''), b: at('172.19.0.2') },
    { kind: 'own', address: '172.19.0.2' },
    'the first network on which it has one',
  ],
  [
    'lan',
    { lan: at('192.0.2.9'), shop_default: at('172.18.0.2') },
    { kind: 'own', address: '172.18.0.2' },
    'rather one of its stack than one that users have made',
  ],
  ['six', { six: at('', 'fd00::2') }, { kind: 'own', address: 'fd00::2' }, 'IPv6 alone'],
  ['host', { host: at('') }, { kind: 'host' }, 'it shares the network of its host'],
  ['none', { none: at('') }, undefined, 'nothing leads to it'],
  ['bridge', null, undefined, 'it was taken off every network'],
])('mode %s on %j listens on %j: %s', (mode, networks, expected) => {
  expect(networkOf(mode, networks)).toEqual(expected);
});
