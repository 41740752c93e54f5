/** What messages and disks are made of, for fast-check: values, names and records, their relations kept. */
import * as fc from 'fast-check';
import {
  ballot as ballotOf,
  boot as bootOf,
  componentId,
  componentKey,
  epoch as epochOf,
  hostId,
  incarnation as incarnationOf,
  type Key,
  ROSTER_KEY,
  stackKey,
  term as termOf,
} from '../../../protocol/base/ids.ts';
import { compareText } from '../../../protocol/base/order.ts';
import { millis } from '../../../protocol/base/time.ts';
import type { Dependent } from '../../../protocol/component/dependents.ts';
import type { ComponentSpec, Job, StackSpec } from '../../../protocol/component/spec.ts';
import {
  type Entry,
  HOST_ENTRY,
  instanceEntry,
  leaseEntry,
} from '../../../protocol/inventory/entry.ts';
import type { Steering } from '../../../protocol/component/update.ts';
import { decisionEntry } from '../../../protocol/inventory/log.ts';
import type {
  Committed,
  Member,
  Past,
  RecordValue,
  Revision,
  Rollout,
  Slot,
  SlotEnd,
  Stack,
} from '../../../protocol/record/record.ts';
import type { Register } from '../../../protocol/record/register.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import type { InventoryOp } from '../../../protocol/wire/message.ts';
import { COUNTER_MAX } from '../../../protocol/wire/vocabulary.ts';
import {
  count,
  length,
  maybe,
  object,
  type Of,
  port,
  specText,
  specTexts,
  word,
  words,
} from './arbitrary.ts';
import { containerSettings, volume } from './arbitrary-containers.ts';
import { dataKey, files } from './arbitrary-files.ts';
import { check, endpoint } from './arbitrary-health.ts';
import { followingEarlier, labels, placement, setting } from './arbitrary-placement.ts';

export const boot = count.map(bootOf);
export const incarnation = count.map(incarnationOf);
export const ballot = count.map(ballotOf);
export const term = count.map(termOf);
export const epoch = fc.integer({ min: 1, max: 1_000_000 }).map(epochOf);

export const host = fc.stringMatching(/^[a-z0-9]{1,32}$/).map(hostId);
const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,63}$/);
export const hostName = fc.stringMatching(/^[a-z][a-z0-9.-]{0,30}$/);
export const peerId = fc.stringMatching(/^12D3KooW[a-zA-Z0-9]{8,40}$/);
export const deployId = fc.stringMatching(/^[a-z0-9-]{1,36}$/);
const component = fc.tuple(name, name).map(([stack, part]) => componentId(stack, part));
export const key: Of<Key> = fc.oneof(
  fc.constant(ROSTER_KEY),
  name.map(stackKey),
  component.map(componentKey),
);
export const revision: Of<Revision> = object<Revision>({ term, seq: count });
export const expected = fc.option(fc.oneof(revision, fc.constant('none' as const)), {
  nil: undefined,
});
const sortedHosts = (min: number, max: number) =>
  fc.uniqueArray(host, { minLength: min, maxLength: max }).map((hosts) => hosts.sort(compareText));

const termMs = fc.integer({ min: 1, max: 60_000 }).map(millis);

export const roster: Of<Roster> = object<Roster>({
  epoch,
  voters: sortedHosts(1, 7),
  next: maybe(sortedHosts(1, 7)),
  termMs: fc.record({ normal: termMs, strict: termMs }),
});

const environment = fc
  .dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,10}$/), specText, { maxKeys: 5 })
  .map((made) => Object.fromEntries(Object.entries(made).sort(([a], [b]) => compareText(a, b))));

const digests = ['0123456789abcdef', 'fedcba9876543210'] as const;
const policy = {
  parallelism: fc.nat(3),
  delayMs: length,
  order: word('stopFirst', 'startFirst'),
  monitorMs: length,
  failuresMaxPpm: fc.nat(1_000_000),
};
const dependsOn = fc.array(
  fc.record({
    on: name,
    condition: word('started', 'healthy', 'completed'),
    required: fc.boolean(),
    restart: fc.boolean(),
  }),
  { maxLength: 2 },
);
const unchecked = object<Omit<ComponentSpec, 'healthcheck' | 'heartbeat'>>({
  inspect: maybe(endpoint),
  name,
  mode: word('replicated', 'global'),
  replicas: fc.nat(1_000),
  image: maybe(specText),
  entrypoint: maybe(specTexts),
  command: maybe(specTexts),
  process: maybe(
    object<NonNullable<ComponentSpec['process']>>({
      command: specTexts,
      workingDir: maybe(specText),
    }),
  ),
  environment,
  ports: fc.array(
    object<ComponentSpec['ports'][number]>({
      target: port,
      published: maybe(port),
      protocol: word('tcp', 'udp'),
      address: maybe(word('127.0.0.1', '::1')),
    }),
    { maxLength: 3 },
  ),
  volumes: fc.array(volume, { maxLength: 3 }),
  files: maybe(files),
  dataKey: maybe(dataKey),
  container: maybe(containerSettings),
  restart: fc.oneof(
    fc.record({ kind: word('no') }),
    object<Extract<ComponentSpec['restart'], { kind: 'onFailure' }>>({
      kind: word('onFailure'),
      retryMax: maybe(fc.nat(10)),
      delayMs: maybe(fc.nat(86_400_000).map(millis)),
      windowMs: maybe(length),
    }),
  ),
  job: maybe(
    object<Job>({
      timeoutMs: maybe(fc.integer({ min: 1 }).map(millis)),
      seeks: maybe(fc.record({ stack: name, dependsOn })),
    }),
  ),
  dependsOn,
  stopGraceMs: length,
  singleton: maybe(word('strict')),
  onIsolation: maybe(
    fc.record({
      action: word('stop', 'freeze'),
      afterMs: fc.integer({ min: 3_000, max: 86_400_000 }).map(millis),
    }),
  ),
  update: maybe(fc.record({ ...policy, onFailure: word('pause', 'continue', 'rollback') })),
  rollback: maybe(fc.record({ ...policy, onFailure: word('pause', 'continue') })),
  steering: maybe(
    object<Steering>({
      held: maybe(fc.boolean()),
      resumed: maybe(deployId),
      undoes: maybe(fc.constantFrom(...digests)),
    }),
  ),
  onHeal: maybe(word('keepOldest', 'keepLeader')),
  placement: maybe(placement),
});

export const componentSpec: Of<ComponentSpec> = fc
  .tuple(unchecked, check)
  .map(([rest, how]) => ({ ...rest, ...how }));

export const stackSpec: Of<StackSpec> = fc
  .record({
    name,
    components: fc.uniqueArray(componentSpec, { maxLength: 3, selector: (spec) => spec.name }),
  })
  .map((stack) => ({ ...stack, components: stack.components.map(followingEarlier) }));

const member: Of<Member> = object<Member>({
  id: host,
  name: hostName,
  peerId,
  leaving: maybe(fc.boolean()),
  ...setting,
});
export const membersRecord: Of<Placed> = fc
  .uniqueArray(member, { minLength: 1, maxLength: 5, selector: ({ id }) => id })
  .map((all) => ({
    key: ROSTER_KEY,
    value: { kind: 'members', members: all.sort((a, b) => compareText(a.id, b.id)) },
  }));
const dependents: Of<readonly Dependent[]> = fc
  .uniqueArray(fc.record({ name, on: fc.array(name, { maxLength: 3 }), graceMs: length }), {
    maxLength: 3,
    selector: (one) => one.name,
  })
  .map((all) => all.sort((a, b) => compareText(a.name, b.name)));
const stackRecord: Of<Placed> = fc
  .record({
    spec: stackSpec,
    gone: fc.boolean(),
    dependents: maybe(dependents),
    rest: object<Pick<Stack, 'life' | 'since' | 'at'>>({
      life: fc.nat(5),
      since: revision,
      at: maybe(words),
    }),
  })
  .map(({ spec, gone, dependents: of, rest }) => ({
    key: stackKey(spec.name),
    value: gone
      ? { kind: 'stack', ...rest, ...(of === undefined ? {} : { dependents: of }) }
      : { kind: 'stack', spec, ...rest },
  }));
const exitCode = fc.integer({ min: -1, max: 255 });
const CHOSEN: readonly NonNullable<Slot['ports']>[] = [
  { '80/tcp': 20_000 },
  { '127.0.0.1:53/udp': 29_999, '::1:53/udp': 1 },
];
const slot: Of<Slot> = fc
  .record({
    slot: fc.integer({ min: 1, max: 1_000 }),
    hosts: fc.uniqueArray(host, { maxLength: 4 }),
    host,
    ended: maybe(
      object<SlotEnd>({
        state: word('complete', 'failed'),
        attempt: maybe(fc.nat(5)),
        exitCode: maybe(exitCode),
      }),
    ),
    ports: maybe(fc.constantFrom(...CHOSEN)),
  })
  .map(({ hosts, host: at, ended, ports, ...rest }) => {
    const [from, ...left] = hosts.filter((other) => other !== at);
    const end = ended === undefined ? {} : { ended };
    const chosen = ports === undefined ? {} : { ports };
    const seat = { ...rest, host: at, ...(left.length === 0 ? {} : { left }), ...end, ...chosen };
    return from === undefined || rest.slot % 2 === 0 ? seat : { ...seat, from };
  });
const slots = fc.uniqueArray(slot, { maxLength: 5, selector: (one) => one.slot });
const rollout: Of<Omit<Rollout, 'former'>> = object<Omit<Rollout, 'former'>>({
  failed: fc.uniqueArray(fc.nat(1_000), { maxLength: 3 }),
  forgiven: maybe(fc.nat(3)),
  paused: maybe(specText),
  refused: maybe(
    object<NonNullable<Rollout['refused']>>({
      revision: fc.constantFrom(...digests),
      why: specText,
      at: maybe(words),
    }),
  ),
});
const past: Of<Omit<Past, 'revision' | 'spec'>> = object<Omit<Past, 'revision' | 'spec'>>({
  since: revision,
  at: maybe(words),
  became: maybe(word('done', 'takenBack', 'undone', 'paused', 'overtaken')),
  why: maybe(words),
});
const componentRecord: Of<Placed> = fc
  .record({
    stack: name,
    spec: componentSpec,
    life: fc.nat(5),
    stackRevision: revision,
    slots,
    run: maybe(fc.record({ revision: fc.stringMatching(/^[0-9a-f]{16}$/), since: revision })),
    rollout: fc.option(rollout, { nil: undefined }),
    pasts: fc.tuple(past, past),
  })
  .map(({ stack, spec, run, rollout: way, pasts: [before, now], ...rest }) => {
    const id = componentId(stack, spec.name);
    const plain = { kind: 'component', component: id, spec, ...rest } as const;
    if (run !== undefined) return { key: componentKey(id), value: { ...plain, run } };
    if (way === undefined) return { key: componentKey(id), value: plain };
    const former = [{ revision: digests[0], spec }];
    const marks = [{ former: digests[0] }, { trial: true }, {}];
    const marked = rest.slots.map((one, at) => ({ ...one, ...marks[at % 3] }));
    const history = [
      { ...before, revision: digests[0], spec },
      { ...now, revision: digests[1] },
    ];
    const value = {
      ...plain,
      slots: marked,
      revision: digests[1],
      rollout: { ...way, former },
      history,
    };
    return { key: componentKey(id), value };
  });
/** A value under the key it belongs to. */
type Placed = { readonly key: Key; readonly value: RecordValue };
export const placed = fc.oneof(membersRecord, stackRecord, componentRecord);
export const committed: Of<Committed> = fc
  .record({ placed, revision })
  .map(({ placed: { key: at, value }, revision: at2 }) => ({ key: at, revision: at2, value }));
export const deployIds = fc.array(deployId, { maxLength: 16 });

export const register: Of<Register & { readonly key: Key }> = fc
  .record({ placed, revision, lead: fc.nat(1_000), whole: fc.boolean(), deployIds })
  .map(
    ({ placed: { key: at, value }, revision: { seq, term: of }, lead, whole, deployIds: ids }) => {
      const kept = termOf(Math.min(of, COUNTER_MAX - lead));
      const promised = termOf(kept + lead);
      const empty = { key: at, promised, deployIds: ids };
      return whole ? { ...empty, revision: { term: kept, seq }, value } : empty;
    },
  );

const entry: Of<Entry> = fc.oneof(
  object<Extract<Entry, { kind: 'host' }>>({
    kind: word('host'),
    name: hostName,
    agent: words,
    engine: words,
    runs: word('images', 'processes', 'nothing'),
    guard: maybe(fc.boolean()),
    engineSilentAfterMs: maybe(length),
    publishAddress: words,
    cpuCount: fc.nat(128),
    memoryBytes: count,
    os: maybe(words),
    arch: maybe(words),
    labels: maybe(labels),
    address: maybe(words),
  }),
  object<Extract<Entry, { kind: 'instance' }>>({
    kind: word('instance'),
    component,
    slot: fc.nat(1_000),
    state: word('pending', 'preparing', 'starting', 'running', 'stopping', 'failed', 'shutdown'),
    health: word('none', 'starting', 'healthy', 'unhealthy'),
    attempt: count,
    restarts: count,
    crashLoop: fc.boolean(),
    revision: words,
    term,
    engineId: maybe(words),
    pid: maybe(count),
    startedAt: maybe(words),
    exitCode: maybe(exitCode),
    reason: maybe(words),
    isRival: maybe(fc.constant(true)),
    isOver: maybe(fc.constant(true)),
    ports: fc.array(fc.record({ target: port, address: words, published: port }), { maxLength: 2 }),
  }),
  fc.record({ kind: word('lease'), key, term }),
  fc.record({
    kind: word('decision'),
    seq: count,
    afterMs: length,
    topic: word('lease', 'placement'),
    about: fc.array(component, { maxLength: 4 }),
    text: words,
  }),
);
const change: Of<Omit<InventoryOp, 'version'>> = fc.oneof(
  entry.map((made) => ({ name: nameOf(made), entry: made })),
  entry.map((gone) => ({ name: nameOf(gone) })),
);

function nameOf(made: Entry): string {
  if (made.kind === 'host') return HOST_ENTRY;
  if (made.kind === 'decision') return decisionEntry(made.seq);
  return made.kind === 'lease' ? leaseEntry(made.key) : instanceEntry(made.component, made.slot);
}

/** Rising from `from` on, with holes where a name was written again. */
export const ops = fc
  .record({
    from: fc.nat(1_000_000),
    changes: fc.array(fc.record({ change, step: fc.integer({ min: 1, max: 9 }) }), {
      maxLength: 4,
    }),
  })
  .map(({ from, changes }) => {
    let version = from;
    const made = changes.map(({ change: { name: at, ...rest }, step }) => {
      version += step;
      return { name: at, version, ...rest };
    });
    return { from, version, ops: made };
  });
