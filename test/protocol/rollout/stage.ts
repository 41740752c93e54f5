/** One component, its leader and its hosts, for tests of rollouts. */
import { type ComponentId, type HostId, type Term } from '../../../protocol/base/ids.ts';
import type { Instant } from '../../../protocol/base/time.ts';
import { specDigest } from '../../../protocol/component/digest.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import {
  DEFAULT_UPDATE,
  type Steering,
  type UpdatePolicy,
} from '../../../protocol/component/update.ts';
import type { InstanceReport } from '../../../protocol/inventory/entry.ts';
import type { Component, Past, Slot } from '../../../protocol/record/record.ts';
import { createWatch } from '../../../protocol/rollout/draft.ts';
import { concluded, type Course, rollOut } from '../../../protocol/rollout/rollout.ts';
import { asWanted, specOf } from '../../../protocol/rollout/version.ts';
import { spec } from '../reconcile/stage.ts';

const ID = 'shop.web' as ComponentId;
type Fate = 'well' | 'starting' | 'ends' | 'ends for good' | 'unhealthy' | 'gone';

/** One component whose hosts do at once what the record says; images fare as they are told. */
export function stage(
  replicas: number,
  update: Partial<UpdatePolicy> = {},
  more: Partial<ComponentSpec> = {},
) {
  const fates = new Map<string, Fate>();
  const broken = new Map<number, Fate>();
  const behind = new Map<number, string>();
  const notes: string[] = [];
  let watch = createWatch();
  let record: Component | undefined;
  let now = 1000;
  let course: Course | undefined;
  const version = (image: string, changes: Partial<ComponentSpec> = {}): ComponentSpec =>
    spec({
      name: 'web',
      replicas,
      image,
      update: { ...DEFAULT_UPDATE, ...update },
      ...more,
      ...changes,
    });
  let wanted = version('a');
  const digestOf = (image: string): string => specDigest(version(image));
  let deploys = 0;

  const reportOf = (slot: Slot): InstanceReport | undefined => {
    if (record === undefined) return undefined;
    const { image = '' } = specOf(record, slot);
    const fate = broken.get(slot.slot) ?? fates.get(image) ?? 'well';
    if (fate === 'gone') return undefined;
    const old = behind.get(slot.slot);
    return {
      kind: 'instance',
      component: ID,
      slot: slot.slot,
      state: fate.startsWith('ends') ? 'failed' : 'running',
      ...(fate === 'ends for good' ? { isOver: true } : {}),
      health: fate === 'unhealthy' ? 'unhealthy' : fate === 'starting' ? 'starting' : 'none',
      attempt: 1,
      restarts: old === undefined ? 0 : 1,
      crashLoop: false,
      revision: old === undefined ? (slot.former ?? record.revision ?? '') : digestOf(old),
      term: 1 as Term,
      ports: [],
      ...(stand.reason === undefined ? {} : { reason: stand.reason }),
    };
  };
  /** One decision of the leader; every slot has a place. */
  const decide = (): void => {
    course = rollOut({
      component: ID,
      wanted: { revision: specDigest(wanted), spec: wanted },
      at: `day ${deploys}`,
      current: record,
      reportOf,
      isAlive: () => stand.isAlive,
      hasRoom: () => stand.hasRoom,
      watch,
      now: now as Instant,
    });
    notes.push(...course.notes);
    const count = course.target.spec.replicas + course.extra;
    const placed = Array.from({ length: count }, (_, i) => ({ slot: i + 1, host: 'h1' as HostId }));
    const stackRevision = { term: 1 as Term, seq: 1 };
    const head = { kind: 'component', component: ID, life: 0, stackRevision } as const;
    const stack = {
      kind: 'stack',
      life: 0,
      since: { term: 1 as Term, seq: deploys },
      at: `day ${deploys}`,
    } as const;
    record = { ...head, ...concluded(course, placed, { current: record, stack }) };
  };
  const stand = {
    reason: undefined as string | undefined,
    /** For stand-ins. */
    hasRoom: true,
    isAlive: true,
    fates,
    /** Of one slot, whatever it is made from. */
    broken,
    /** Slots whose hosts run this image still, restarted once, whatever the record says. */
    behind,
    version,
    deploy(image: string, changes: Partial<ComponentSpec> = {}) {
      wanted = version(image, changes);
      deploys += 1;
      decide();
    },
    /** What users say of what is deployed. */
    steer(steering: Steering) {
      wanted = { ...wanted, steering };
      deploys += 1;
      decide();
    },
    /** The newest revision that stood is put back. */
    undo() {
      const back = stand.record.history?.findLast(({ became }) => became === 'done')?.spec;
      if (back === undefined) throw new Error('there is none');
      const steering = { undoes: specDigest(wanted) };
      wanted = { ...asWanted(back, wanted), steering };
      deploys += 1;
      decide();
    },
    /** Until nothing is left to be done. */
    finish() {
      for (let i = 0; i < 8; i++) stand.wait(i * 1000);
    },
    wait(ms: number) {
      now += ms;
      decide();
      decide(); // what was written is looked at again
    },
    /** Another host leads from here on: it knows the record and nothing else. */
    succeed() {
      watch = createWatch();
      decide();
    },
    forget() {
      if (record === undefined) return;
      const { revision: _, history: __, ...older } = record;
      record = older;
    },
    get record(): Component {
      if (record === undefined) throw new Error('nothing is deployed');
      return record;
    },
    /** What the leader has said so far. */
    notes,
    get dueIn() {
      return course?.dueAt === undefined ? undefined : course.dueAt - now;
    },
    /** `a done, b`: its revisions, and what became of them. */
    get history(): string {
      const { history = [], rollout, spec: own } = stand.record;
      const imageOf = ({ revision, spec: kept }: Past): string =>
        (kept ?? rollout?.former.find((one) => one.revision === revision)?.spec ?? own).image ?? '';
      return history
        .map((past) => [imageOf(past), past.became].filter((word) => word !== undefined).join(' '))
        .join(', ');
    },
    /** `a b? b`: what each slot is made from; `?`: on trial. */
    get slots(): string {
      const { slots } = stand.record;
      const name = (slot: Slot) => `${specOf(stand.record, slot).image}${slot.trial ? '?' : ''}`;
      return slots.map(name).join(' ');
    },
  };
  stand.deploy('a');
  return stand;
}
