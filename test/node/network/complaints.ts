/**
 * A second, dumb opinion on decoded messages: it knows no schema, only what fields are called and
 * which fields honest messages of a kind have.
 */
import * as fc from 'fast-check';
import type { Message } from '../../../protocol/wire/message.ts';
import { messagesByKind } from '../../protocol/wire/arbitrary-messages.ts';

const HOST = /^[a-z0-9]{1,32}$/;
const KEY = /^(sys\/roster|stack\/[\w-]{1,63}|component\/[\w-]{1,63}\.[\w-]{1,63})$/;
const HOST_FIELDS = new Set(['host', 'by', 'about', 'owner', 'id']);
const HOST_LISTS = new Set(['voters', 'next']);
/** Lists of which no two may have the same name, and the field that names them. */
const NAMED_BY: Readonly<Record<string, string>> = {
  slots: 'slot',
  members: 'id',
  components: 'name',
  inventories: 'owner',
};

/** What is in them is called as users like. */
const NAMED_BY_USERS = new Set(['environment', 'labels', 'sysctls', 'options']);
/** So is a port by which its number on a host is kept: `127.0.0.1:80/tcp`. */
const PORT = /\d\/(?:tcp|udp)$/;
const MAY_BE_NEGATIVE = new Set(['exitCode', 'soft', 'hard', 'oomScoreAdj']);

/** Paths of all fields, list positions left out: `inventories.ops.version`. */
function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => pathsOf(item, path));
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`];
  return Object.entries(value).flatMap(([name, field]) =>
    NAMED_BY_USERS.has(name)
      ? [`${path}.${name}`]
      : pathsOf(field, `${path}.${PORT.test(name) ? 'PORT' : name}`),
  );
}

const honestPaths = new Map<string, ReadonlySet<string>>();
function honest(kind: Message['kind']): ReadonlySet<string> {
  let paths = honestPaths.get(kind);
  if (paths === undefined) {
    const samples = fc.sample<Message>(messagesByKind[kind], { numRuns: 500, seed: 2 });
    paths = new Set(samples.flatMap((message) => pathsOf(message)));
    honestPaths.set(kind, paths);
  }
  return paths;
}

export function complaintsAbout(message: Message): string[] {
  const known = honest(message.kind);
  // Any of them may name the fork of its sender.
  const { fork: _, ...rest } = message;
  const strange = pathsOf(rest).filter((path) => !known.has(path));
  return [...strange.map((path) => `no ${message.kind} has ${path}`), ...complaintsAt(message, '')];
}

function complaintsAt(value: unknown, name: string): string[] {
  if (typeof value === 'number') return complaintsAboutNumber(value, name);
  if (typeof value === 'string') return complaintsAboutText(value, name);
  if (typeof value === 'boolean') return [];
  if (Array.isArray(value)) return complaintsAboutList(value, name);
  if (typeof value === 'object' && value !== null)
    return complaintsAboutObject(value as Record<string, unknown>);
  return [`${name} is ${value === null ? 'null' : typeof value}`];
}

function complaintsAboutNumber(value: number, name: string): string[] {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return [`${name} is ${value}`];
  return MAY_BE_NEGATIVE.has(name) || value >= 0 ? [] : [`${name} is negative`];
}

function complaintsAboutText(value: string, name: string): string[] {
  if (value.length > 131_072 || !value.isWellFormed()) return [`${name} is no text for us`];
  if (HOST_FIELDS.has(name) && !HOST.test(value)) return [`${value} is no host`];
  return name === 'key' && !KEY.test(value) ? [`${value} is no key`] : [];
}

function complaintsAboutList(list: readonly unknown[], name: string): string[] {
  // A rumor is about a host, a decision about a list of anything.
  const complaints = list.flatMap((item) => complaintsAt(item, name === 'about' ? '' : name));
  if (list.length > 1_000) complaints.push(`${name} is too long`);
  if (HOST_LISTS.has(name)) {
    const sorted = [...new Set(list as readonly string[])].sort();
    const right = list.length >= 1 && list.length <= 7 && sorted.join() === list.join();
    if (!right || !sorted.every((host) => HOST.test(host))) complaints.push(`${name} is no group`);
  }
  const field = NAMED_BY[name];
  if (field !== undefined) {
    const names = list.map((item) => (item as Record<string, unknown>)[field]);
    if (new Set(names).size !== names.length) complaints.push(`${name} names one twice`);
  }
  if (name === 'ops') {
    const versions = list.map((item) => (item as { version: number }).version);
    if (versions.some((version, i) => i > 0 && version <= (versions[i - 1] ?? 0)))
      complaints.push('versions do not rise');
  }
  return complaints;
}

function complaintsAboutObject(object: Record<string, unknown>): string[] {
  const complaints = Object.entries(object).flatMap(([name, field]) => complaintsAt(field, name));
  if (Object.getPrototypeOf(object) !== Object.prototype) complaints.push('it has a prototype');
  if (Object.hasOwn(object, '__proto__')) complaints.push('it has a field __proto__');
  if ('voters' in object && object['epoch'] === 0) complaints.push('a roster of epoch 0');
  if ('deployIds' in object && 'revision' in object !== 'value' in object)
    complaints.push('half a register');
  return complaints;
}
