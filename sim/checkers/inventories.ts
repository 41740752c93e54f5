/**
 * S9  Only its owner writes an inventory. Wherever a part of one is known it says what its owner wrote
 *     in that boot, up to its version and without gaps, but for names that were changed again later:
 *     a delta that was cut off tells only of their last change. (boot, version) never falls.
 * S10 What was deleted does not come back where its deletion was known.
 */
import { type HostId, ROSTER_KEY } from '../../protocol/base/ids.ts';
import { sameData } from '../../protocol/base/same.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import type { Entry } from '../../protocol/inventory/entry.ts';
import type { Inventory } from '../../protocol/inventory/inventory.ts';
import type { Committed } from '../../protocol/record/record.ts';
import type { Agent, Host } from '../host.ts';
import type { Report } from './report.ts';

/** What one owner wrote, by version; undefined deletes. */
type Change = { readonly name: string; readonly entry: Entry | undefined };
type Log = { readonly life: Agent; readonly changes: Map<number, Change>; version: number };
type Seen = { readonly boot: number; readonly version: number };

export type InventoryChecker = {
  readonly report: Report;
  /** By owner and boot. */
  readonly logs: Map<string, Log>;
  /** As far as each agent knew each inventory after its last look at it. */
  readonly seen: Map<Host, Memory>;
};

type Memory = {
  readonly life: Agent;
  readonly of: Map<HostId, Seen>;
  /** The list of members, when it was looked at last. */
  list: Committed | undefined;
};

export const createInventoryChecker = (report: Report): InventoryChecker => ({
  report,
  logs: new Map(),
  seen: new Map(),
});

export function checkInventories(
  checker: InventoryChecker,
  host: Host,
  { input, effects }: { readonly input: Input; readonly effects: readonly Effect[] },
): void {
  const { agent } = host;
  if (agent === undefined) return;
  for (const effect of effects)
    if (effect.kind === 'publish' && effect.message.kind === 'inventoryDelta')
      if (effect.message.owner !== host.id)
        checker.report('S9', `${host.id} writes the inventory of ${effect.message.owner}`);
  noteOwn(checker, host, agent);
  const known = checker.seen.get(host);
  const memory = known?.life === agent ? known : { life: agent, of: new Map(), list: undefined };
  checker.seen.set(host, memory);
  forgetFormer(memory);
  for (const { owner, reset } of partsIn(input))
    if (owner !== host.id) checkKnown(checker, host, agent, owner, reset);
}

/** Of who is no member nothing is kept: let in again, it begins anew. */
function forgetFormer(memory: Memory): void {
  const { committed, inventories } = memory.life.core;
  const list = committed.byKey.get(ROSTER_KEY);
  if (memory.list === list) return;
  memory.list = list;
  for (const owner of memory.of.keys())
    if (!inventories.byOwner.has(owner)) memory.of.delete(owner);
}

const NO_PARTS: readonly { readonly owner: HostId; readonly reset: boolean }[] = [];

function partsIn(input: Input): typeof NO_PARTS {
  if (input.kind === 'gossipReceived' && input.message.kind === 'inventoryDelta')
    return [{ owner: input.message.owner, reset: false }];
  if (input.kind === 'messageReceived' && input.message.kind === 'delta')
    return input.message.inventories;
  return NO_PARTS;
}

const logName = (owner: HostId, boot: number): string => `${owner}/${boot}`;

/** Takes down what the host has written since its last step. */
function noteOwn({ report, logs }: InventoryChecker, { id }: Host, life: Agent): void {
  const own = life.core.inventories.byOwner.get(id);
  if (own === undefined) return;
  const name = logName(id, own.boot);
  let log = logs.get(name);
  // A start that nobody has heard of may be repeated under the same boot.
  if (log?.life !== life) logs.set(name, (log = { life, changes: new Map(), version: 0 }));
  if (own.version === log.version) return;
  if (own.version < log.version)
    report('S9', `the inventory of ${id} falls from version ${log.version} to ${own.version}`);
  for (const [entryName, version] of own.changes)
    if (version > log.version)
      log.changes.set(version, { name: entryName, entry: own.entries.get(entryName) });
  log.version = own.version;
}

function checkKnown(
  checker: InventoryChecker,
  host: Host,
  { core }: Agent,
  owner: HostId,
  reset: boolean,
): void {
  const { report, logs } = checker;
  const known = core.inventories.byOwner.get(owner);
  const seen = checker.seen.get(host)?.of;
  if (known === undefined || seen === undefined) return;
  const { boot, version } = known;
  const was = seen.get(owner);
  if (was?.boot === boot && was.version === version) return;
  seen.set(owner, { boot, version });
  if (was !== undefined && (boot < was.boot || (boot === was.boot && version < was.version)))
    report(
      'S9',
      `${host.id} knew ${owner} up to ${was.boot}/${was.version}, and now ${boot}/${version}`,
    );
  const log = logs.get(logName(owner, boot));
  if (log === undefined)
    return report('S9', `${host.id} knows boot ${boot} of ${owner}, which has written nothing`);
  if (version > log.version)
    report('S9', `${host.id} knows ${owner} up to ${boot}/${version}, written is ${log.version}`);
  const isWhole = reset || was?.boot !== boot;
  const wrong = difference(known, log, isWhole ? 0 : was.version);
  if (wrong !== undefined)
    report(wrong.rule, `at ${host.id}, ${owner} ${boot}/${version}: ${wrong.text}`);
}

type Wrong = { readonly rule: 'S9' | 'S10'; readonly text: string };

/** The first entry that is not as its owner wrote it after `from`. */
function difference(known: Inventory, log: Log, from: number): Wrong | undefined {
  const last = new Map<string, { readonly version: number; readonly change: Change }>();
  for (const [name, version] of known.changes) {
    if (version <= from) continue;
    const written = log.changes.get(version);
    // Written and written again within one step: its owner's word to others is all there is of it.
    if (written === undefined) log.changes.set(version, { name, entry: known.entries.get(name) });
    else if (written.name !== name)
      return {
        rule: 'S9',
        text: `${name} is said to have changed in ${version}, which was ${written.name}`,
      };
  }
  for (let version = from + 1; version <= known.version; version++) {
    const change = log.changes.get(version);
    if (change !== undefined) last.set(change.name, { version, change });
  }
  const later = changedAfter(log, known.version);
  for (const [name, { version, change }] of last) {
    if (later.has(name)) continue;
    const entry = known.entries.get(name);
    if (entry === change.entry || (entry !== undefined && sameData(entry, change.entry))) continue;
    if (change.entry === undefined)
      return { rule: 'S10', text: `${name} was deleted in version ${version} and is back` };
    const what = entry === undefined ? 'is missing' : 'says something else';
    return { rule: 'S9', text: `${name} of version ${version} ${what}` };
  }
  if (from > 0) return undefined;
  const stray = [...known.entries.keys()].find((name) => !last.has(name));
  return stray === undefined ? undefined : { rule: 'S9', text: `${stray} was never written` };
}

function changedAfter({ changes, version: newest }: Log, from: number): ReadonlySet<string> {
  const names = new Set<string>();
  for (let version = from + 1; version <= newest; version++) {
    const change = changes.get(version);
    if (change !== undefined) names.add(change.name);
  }
  return names;
}
