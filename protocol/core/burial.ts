/**
 * When destroyed stacks are forgotten (README.md §6, R8). Who leads `sys/roster` watches over it:
 *
 *     tombstone ──7 days, all agree──▶ buried (in the list of members) ──7 days, all agree──▶ gone
 *
 * *All agree*: every member is alive and its last heartbeat has the hash of the very records that we
 * have. So nobody is left who holds an older revision than the tombstone when it goes, and nobody who
 * holds the tombstone when the burial does: a member that is away holds both up until it is back, or
 * forgotten itself. The days are counted by one agent while it leads; another begins anew.
 */
import { ROSTER_KEY, stackOf } from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import { after, type Instant } from '../base/time.ts';
import type { Leases } from '../lease/leases.ts';
import { BURIED_MAX } from '../limits.ts';
import { membersOf } from '../membership/membership.ts';
import { recordsHash } from '../record/committed.ts';
import { type Burial, type Members, showRevision } from '../record/record.ts';
import { buryRegisters } from '../record/register.ts';
import { isServing, write } from '../record/writer.ts';
import { journal, persist, type Turn } from '../turn.ts';
import { know } from './know.ts';
import { writerOf } from './leading.ts';
import type { Core } from './state.ts';

/** What the list of members has buried is forgotten on disk and as a voter too. */
export function followBurials(core: Core, turn: Turn): void {
  const { committed } = core;
  for (const key of committed.dropped.splice(0)) persist(turn, `committed/${key}`, undefined);
  if (core.buriedBy === committed.burials) return;
  core.buriedBy = committed.burials;
  buryRegisters(core.registers, turn, committed.burials);
}

/** As the leader of the list of members: what is ripe is buried, what was buried long ago is let go. */
export function tendGraves(core: Core, leases: Leases, turn: Turn): void {
  const writer = writerOf(core, leases, turn, ROSTER_KEY);
  const value = writer?.record?.value;
  if (writer === undefined || !isServing(writer) || value?.kind !== 'members')
    return core.graves.clear();
  const ripe = ripeOf(core, turn, value);
  if (ripe.length === 0 || !allAgree(core)) return;
  const { buried = [] } = value;
  const isRipe = new Set(ripe.map(({ stack, revision }) => `${stack} ${showRevision(revision)}`));
  const isOver = ({ stack, revision }: Burial) => isRipe.has(`${stack} ${showRevision(revision)}`);
  const kept = buried.filter((burial) => !isOver(burial));
  const names = new Set(buried.map(({ stack }) => stack));
  const fresh = ripe.filter(({ stack }) => !names.has(stack)).slice(0, BURIED_MAX - kept.length);
  if (fresh.length === 0 && kept.length === buried.length) return;
  const next = [...kept, ...fresh].sort((a, b) => compareText(a.stack, b.stack));
  const { buried: _was, ...list } = value;
  write(writer, turn, core.council.roster, {
    ...list,
    ...(next.length === 0 ? {} : { buried: next }),
  });
  for (const { stack } of fresh)
    journal(turn, 'burial', [stack], 'destroyed long ago: all members forget it');
}

/** Tombstones and burials that this leader has seen for long enough, and whose stacks run nowhere. */
function ripeOf(core: Core, { now, config }: Turn, members: Members): readonly Burial[] {
  const { graves } = core;
  const { stacks, reports } = know(core);
  const runs = (stack: string): boolean =>
    reports.some(({ report }) => stackOf(report.component) === stack);
  const candidates: Burial[] = [...(members.buried ?? [])];
  for (const [stack, { revision, stack: value }] of stacks)
    if (value.spec === undefined && !runs(stack))
      candidates.push({ stack, life: value.life, revision });
  const seen = new Set<string>();
  const ripe: Burial[] = [];
  for (const burial of candidates) {
    const isListed = members.buried?.includes(burial) === true;
    const name = `${isListed ? 'buried' : 'destroyed'} ${burial.stack} ${showRevision(burial.revision)}`;
    seen.add(name);
    const since: Instant = graves.get(name) ?? now;
    graves.set(name, since);
    if (now >= after(since, config.tombstoneMs)) ripe.push(burial);
  }
  for (const name of graves.keys()) if (!seen.has(name)) graves.delete(name);
  return ripe;
}

function allAgree(core: Core): boolean {
  const own = recordsHash(core.committed);
  for (const { health, heartbeat } of membersOf(core.membership).values())
    if (health !== 'alive' || heartbeat?.recordsHash !== own) return false;
  return true;
}
