/**
 * Whom a line of a scenario means. Some can be told only when their moment has come: who leads, where
 * something runs.
 *
 *     WHO = h2 | all | voters | nobody | leader of KEY | host of SEAT | all but WHO
 */
import type { Key } from '../../protocol/base/ids.ts';
import { fail, ok, type Result } from '../../protocol/base/result.ts';
import { holdersOf } from '../checkers/leases.ts';
import { running } from '../engine/engine.ts';
import type { Host } from '../host.ts';
import type { Scene } from '../run.ts';
import type { HostIndex } from '../strike.ts';
import { listedHosts, type Names, parseHost, parseKey, parseSeat, type Seat } from './names.ts';

export type Who =
  | { readonly kind: 'host'; readonly host: HostIndex }
  | { readonly kind: 'all' }
  /** Those of the newest roster that anyone knows. */
  | { readonly kind: 'voters' }
  | { readonly kind: 'leader'; readonly key: Key }
  /** Where this runs. */
  | { readonly kind: 'hostOf'; readonly seat: Seat }
  | { readonly kind: 'allBut'; readonly whom: Who }
  | { readonly kind: 'each'; readonly of: readonly Who[] };

export const whoForms = ({ hosts }: Names): string =>
  `${listedHosts(hosts)}, all, voters, "leader of shop.web", "host of shop.web.1", or "all but" any of them`;

export function parseWho(names: Names, text: string): Result<Who, string> {
  if (text === 'all' || text === 'voters') return ok({ kind: text });
  const [, head, rest = ''] = /^(leader of|hosts? of|all but) (.+)$/.exec(text) ?? [];
  if (head === undefined) {
    const host = parseHost(names, text);
    if (host.ok) return ok({ kind: 'host', host: host.value });
    return fail(`nobody is called "${text}": it is ${whoForms(names)}`);
  }
  if (head === 'all but')
    return mapped(parseWho(names, rest), (whom) => ({ kind: 'allBut', whom }));
  if (head === 'leader of')
    return mapped(parseKey(names, rest), (key) => ({ kind: 'leader', key }));
  return mapped(parseSeat(names, rest), (seat) => ({ kind: 'hostOf', seat }));
}

const mapped = <T, U>(from: Result<T, string>, to: (value: T) => U): Result<U, string> =>
  from.ok ? ok(to(from.value)) : from;

/** In the order of the hosts; nobody if nobody leads, or if it runs nowhere. */
export function resolve(who: Who, scene: Scene): readonly HostIndex[] {
  const { hosts } = scene.world;
  const meant = new Set(matching(who, scene));
  return hosts.filter((host) => meant.has(host)).map(({ index }) => index);
}

function matching(who: Who, scene: Scene): readonly Host[] {
  const { world, panel } = scene;
  switch (who.kind) {
    case 'host':
      return world.hosts.filter(({ index }) => index === who.host);
    case 'all':
      return world.hosts;
    case 'voters': {
      const voters = new Set(newestVoters(world.hosts));
      return world.hosts.filter(({ id }) => voters.has(id));
    }
    case 'leader':
      return holdersOf(panel.leases, who.key, world.queue.now);
    case 'hostOf':
      return world.hosts.filter((host) => countOn(host, who.seat) > 0);
    case 'allBut': {
      const spared = new Set(matching(who.whom, scene));
      return world.hosts.filter((host) => !spared.has(host));
    }
    case 'each':
      return who.of.flatMap((one) => matching(one, scene));
  }
}

export function newestVoters(hosts: readonly Host[]): readonly string[] {
  let epoch = -1;
  let newest: readonly string[] = [];
  for (const { agent } of hosts) {
    const roster = agent?.core.council.roster;
    if (roster === undefined || roster.epoch <= epoch) continue;
    epoch = roster.epoch;
    newest = roster.voters;
  }
  return newest;
}

/** Running instances of it on a machine that is there. */
export function countOn(host: Host, { component, slot }: Seat): number {
  if (host.lost) return 0;
  return running(host.engine).filter(
    (one) => one.component === component && (slot === undefined || one.slot === slot),
  ).length;
}
