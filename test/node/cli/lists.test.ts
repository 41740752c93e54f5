/** In which order hosts and events are shown, and which events are one to a reader. */
import { expect, it } from 'vitest';
import { eventSection } from '../../../node/cli/event-lines.ts';
import { millis } from '../../../protocol/base/time.ts';
import { hostTable } from '../../../node/cli/status-screen.ts';
import type { EventBody } from '../../../node/http/api.ts';
import { cluster, event, host, idOf } from './views.ts';

const style = { width: 100, paint: (_: unknown, text: string) => text };

it('lists hosts by name as people count, whatever the order of their ids', () => {
  const hosts = ['h10', 'h2', 'h1'].map((name) => host(name));
  const lines = hostTable(cluster(), hosts, style);
  expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual(['h1', 'h2', 'h10']);
});

it('tells of a host that leaves, for as long as it is there', () => {
  const hosts = [
    host('h1', { leaving: true }),
    host('h2'),
    host('h3', { leaving: true, state: 'dead' }),
  ];
  const notes = hostTable(cluster(), hosts, style).filter((line) => /^h\d/.test(line));
  expect(notes.map((line) => line.includes('leaves'))).toEqual([true, false, false]);
});

it('tells of a host that reboots for how long it is waited for', () => {
  const hosts = [host('h1', { state: 'left', backWithinMs: millis(240_000) }), host('h2')];
  const lines = hostTable(cluster(), hosts, style).filter((line) => /^h\d/.test(line));
  expect(lines.map((line) => line.includes('reboots, to be back within 4m'))).toEqual([
    true,
    false,
  ]);
});

it('tells for how long an engine is silent', () => {
  const hosts = [host('h1', { engineSilentMs: millis(12_400) }), host('h2')];
  const lines = hostTable(cluster(), hosts, style).filter((line) => /^h\d/.test(line));
  expect(lines.map((line) => line.includes('engine silent for 12s'))).toEqual([true, false]);
});

it('tells where nothing strict runs for want of a guard', () => {
  const dead = host('h2', { unguarded: true, state: 'dead' });
  const lines = hostTable(cluster(), [host('h1', { unguarded: true }), dead, host('h3')], style);
  const rows = lines.filter((line) => /^h\d/.test(line));
  expect(rows.map((line) => line.includes('no guard: runs nothing strict'))).toEqual([
    true,
    false,
    false,
  ]);
});

const by = (name: string, changes: Partial<EventBody> = {}): EventBody => ({
  ...event('2026-11-21T00:40:33.000Z', 'roster', ['sys/roster'], 'epoch 2'),
  host: idOf(name),
  host_name: name,
  ...changes,
});

type Row = readonly [reason: string, second: EventBody, hosts: readonly string[]];
it.each<Row>([
  ['alike, a second later', by('h2', { at: '2026-11-21T00:40:34.000Z' }), ['h1 h2']],
  ['alike, but much later', by('h2', { at: '2026-11-21T00:40:39.000Z' }), ['h2', 'h1']],
  ['another text', by('h2', { text: 'epoch 3' }), ['h2', 'h1']],
  ['of another kind', by('h2', { kind: 'health' }), ['h2', 'h1']],
  ['about something else', by('h2', { about: ['shop.db'] }), ['h2', 'h1']],
  ['by the same host again', by('h1'), ['h1', 'h1']],
])('a second event %s', (_, second, hosts) => {
  const [, ...lines] = eventSection('LAST', cluster(), [by('h1'), second], style);
  expect(lines.map((line) => line.split(/ {2,}/)[1])).toEqual(hosts);
});

it('names the record, not its key', () => {
  const about = ['component/shop.db'];
  const [, line] = eventSection('LAST', cluster(), [by('h1', { about })], style);
  expect(line).toMatch(/ {2}h1 {2}shop\.db {2}roster {2}/);
});
