/**
 * L1 After the faults have stopped: one roster, one list of members, the same records everywhere, one
 * leader for every key that should have one, every slot of every stack running exactly once and of
 * its present spec, and nothing else running anywhere.
 */
import {
  componentId,
  componentKey,
  type Key,
  ROSTER_KEY,
  stackKey,
} from '../../protocol/base/ids.ts';
import { specDigest } from '../../protocol/component/digest.ts';
import type { Core } from '../../protocol/core.ts';
import { allCommitted } from '../../protocol/record/committed.ts';
import { showRevision, type Stack } from '../../protocol/record/record.ts';
import { running, seatName } from '../engine/engine.ts';
import type { World } from '../world.ts';
import { holdersOf, type LeaseChecker } from './leases.ts';

/** The first thing that is not yet as it should be; undefined: all is well. */
export function unconverged(world: World, leases: LeaseChecker): string | undefined {
  const cores: Core[] = [];
  for (const host of world.hosts) {
    if (host.agent === undefined) return `${host.id} has no agent`;
    cores.push(host.agent.core);
  }
  const [first] = cores;
  if (first === undefined) return undefined;
  const stacks = stacksOf(first);
  return (
    differingRosters(world, cores) ??
    differingRecords(cores) ??
    unled(world, leases, stacks) ??
    misplaced(world, stacks)
  );
}

function differingRosters({ hosts }: World, cores: readonly Core[]): string | undefined {
  const wanted = hosts.length >= 3 ? 3 : 1;
  const epochs = new Set(cores.map(({ council }) => council.roster.epoch));
  for (const { identity, council } of cores) {
    const { voters, next } = council.roster;
    if (voters.length !== wanted || next !== undefined)
      return `${identity.host} is at epoch ${council.roster.epoch}: ${voters.length} voters${next === undefined ? '' : ', joint'}`;
  }
  return epochs.size > 1 ? `rosters of epochs ${[...epochs].join(' ')}` : undefined;
}

function differingRecords(cores: readonly Core[]): string | undefined {
  const texts = cores.map(({ committed }) =>
    allCommitted(committed)
      .map(({ key, revision }) => `${key}@${showRevision(revision)}`)
      .join(' '),
  );
  for (const [i, text] of texts.entries())
    if (text !== texts[0])
      return `records differ: ${cores[0]?.identity.host} ${texts[0]}; ${cores[i]?.identity.host} ${text}`;
  const [first] = cores;
  const members = first && allCommitted(first.committed).find(({ key }) => key === ROSTER_KEY);
  const count = members?.value.kind === 'members' ? members.value.members.length : 0;
  return count === cores.length ? undefined : `${count} members of ${cores.length}`;
}

type Stacks = readonly { readonly name: string; readonly stack: Stack }[];

function stacksOf({ committed }: Core): Stacks {
  return allCommitted(committed).flatMap(({ key, value }) =>
    value.kind === 'stack' ? [{ name: key.slice('stack/'.length), stack: value }] : [],
  );
}

function unled({ queue }: World, leases: LeaseChecker, stacks: Stacks): string | undefined {
  const keys: Key[] = [ROSTER_KEY];
  for (const { name, stack } of stacks) {
    if (stack.spec === undefined) continue;
    keys.push(stackKey(name));
    for (const component of stack.spec.components)
      keys.push(componentKey(componentId(name, component.name)));
  }
  for (const key of keys) {
    const holders = holdersOf(leases, key, queue.now);
    if (holders.length !== 1) return `${key} has ${holders.length} leaders`;
  }
  return undefined;
}

/** What runs where, against what the stacks want; a global seat is named by its host, not its number. */
function misplaced({ hosts }: World, stacks: Stacks): string | undefined {
  const wanted = new Map<string, string>();
  const globals = new Set<string>();
  for (const { name, stack } of stacks)
    for (const spec of stack.spec?.components ?? []) {
      const component = componentId(name, spec.name);
      const revision = specDigest(spec);
      if (spec.mode === 'global') globals.add(component);
      if (spec.mode === 'global')
        for (const { id } of hosts) wanted.set(`${component} on ${id}`, revision);
      else for (let n = 1; n <= spec.replicas; n++) wanted.set(seatName(component, n), revision);
    }
  const found = new Set<string>();
  for (const host of hosts)
    for (const { component, slot, revision } of running(host.engine)) {
      const seat = globals.has(component)
        ? `${component} on ${host.id}`
        : seatName(component, slot);
      if (found.has(seat)) return `${seat} runs twice`;
      if (!wanted.has(seat)) return `${seat} runs on ${host.id}, nobody wants it`;
      if (wanted.get(seat) !== revision) return `${seat} on ${host.id} is of an old spec`;
      found.add(seat);
    }
  for (const seat of wanted.keys()) if (!found.has(seat)) return `${seat} does not run`;
  return undefined;
}
