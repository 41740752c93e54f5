/**
 * The record register under lease turnover (R1 to R4), random schedules by the thousand against
 * the functions that ship. Two leaders at once are part of it: ballots alone make records safe. Without
 * the fence (R1) every eighth of these schedules loses a commit, without the re-commit (R3) some do.
 */
import { expect, it } from 'vitest';
import {
  boot,
  epoch,
  type HostId,
  hostId,
  key,
  type Term,
  term,
} from '../../../protocol/base/ids.ts';
import { below, createPrng, type Prng } from '../../../protocol/base/prng.ts';
import { instant } from '../../../protocol/base/time.ts';
import { firstTerms, LAN } from '../../../protocol/config.ts';
import {
  type Committed,
  compareRevision,
  showRevision,
  type Stack,
} from '../../../protocol/record/record.ts';
import { onRead, onWrite, type Registers } from '../../../protocol/record/register.ts';
import {
  createWriter,
  isServing,
  onReadAck,
  onWriteAck,
  resend,
  write,
  type Writer,
} from '../../../protocol/record/writer.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import type { Turn } from '../../../protocol/turn.ts';
import type { Message } from '../../../protocol/wire/message.ts';

const KEY = key('stack/shop');
const SCHEDULES = 5000;
const STEPS = 400;

type Envelope = { readonly from: HostId; readonly to: HostId; readonly message: Message };
type Leader = { readonly id: HostId; readonly writer: Writer };
type Run = {
  readonly prng: Prng;
  readonly roster: Roster;
  readonly registers: ReadonlyMap<HostId, Registers>;
  readonly down: Set<HostId>;
  readonly leaders: Leader[];
  readonly bag: Envelope[];
  readonly commits: Committed[];
  /** The newest record each leader serves. */
  readonly served: Map<HostId, Committed>;
  /** The revision each value was first written as. */
  readonly applied: Map<number, Committed['revision']>;
  terms: number;
  ops: number;
  violation: string | undefined;
};

const turnOf = (run: Run, self: HostId): Turn => ({
  now: instant(0),
  config: LAN,
  self,
  boot: boot(1),
  prng: run.prng,
  out: [],
});

function post(run: Run, from: HostId, turn: Turn): void {
  for (const effect of turn.out)
    if (effect.kind === 'send') run.bag.push({ from, to: effect.to, message: effect.message });
}

function createRun(seed: number): Run {
  const prng = createPrng(seed);
  const voters = ['v1', 'v2', 'v3', 'v4', 'v5'].slice(0, 3 + 2 * below(prng, 2)).map(hostId);
  return {
    prng,
    roster: { epoch: epoch(1), voters, termMs: firstTerms(LAN) },
    registers: new Map(voters.map((voter) => [voter, new Map()])),
    down: new Set(),
    leaders: [],
    bag: [],
    commits: [],
    served: new Map(),
    applied: new Map(),
    terms: 0,
    ops: 0,
    violation: undefined,
  };
}

function elect(run: Run): void {
  if (below(run.prng, 2) === 0) run.leaders.pop(); // else it lives on, unaware
  run.terms += 1;
  const id = hostId(`l${run.terms}`);
  const turn = turnOf(run, id);
  const present: Term = term(run.terms);
  run.leaders.push({ id, writer: createWriter(KEY, present, turn, run.roster) });
  post(run, id, turn);
}

const stack = (life: number): Stack => ({
  kind: 'stack',
  life,
  since: { term: term(1), seq: 1 },
});

function deploy(run: Run): void {
  const leader = run.leaders[below(run.prng, run.leaders.length)];
  if (leader === undefined || !isServing(leader.writer)) return;
  const turn = turnOf(run, leader.id);
  run.ops += 1;
  const revision = write(leader.writer, turn, run.roster, stack(run.ops));
  run.applied.set(run.ops, revision);
  post(run, leader.id, turn);
}

function repeat(run: Run): void {
  const leader = run.leaders[below(run.prng, run.leaders.length)];
  if (leader === undefined) return;
  const turn = turnOf(run, leader.id);
  resend(leader.writer, turn, run.roster);
  post(run, leader.id, turn);
}

function toggle(run: Run): void {
  const { voters } = run.roster;
  const voter = voters[below(run.prng, voters.length)];
  if (voter === undefined) return;
  if (run.down.delete(voter)) return;
  if (run.down.size < Math.floor(voters.length / 2)) run.down.add(voter);
}

function deliver(run: Run, { from, to, message }: Envelope): void {
  const turn = turnOf(run, to);
  const registers = run.registers.get(to);
  if (registers !== undefined) {
    if (run.down.has(to)) return;
    if (message.kind === 'read') onRead(registers, turn, from, message);
    if (message.kind === 'write') onWrite(registers, turn, from, message);
    return post(run, to, turn);
  }
  const leader = run.leaders.find(({ id }) => id === to);
  if (leader === undefined) return;
  if (message.kind === 'readAck')
    onReadAck(leader.writer, turn, run.roster, from, message, { initial: stack(0) });
  if (message.kind === 'writeAck') onWriteAck(leader.writer, run.roster, from, message);
  post(run, to, turn);
  // What it serves it tells, whether it says so itself or was just elected.
  const { record } = leader.writer;
  if (record !== undefined && run.served.get(to) !== record) check(run, to, record);
}

/** What was committed once is in every later revision, or something applied after it is. */
function check(run: Run, leader: HostId, record: Committed): void {
  run.served.set(leader, record);
  for (const other of run.commits) {
    const order = compareRevision(other.revision, record.revision);
    const [earlier, later] = order < 0 ? [other, record] : [record, other];
    const [was, is] = [opOf(earlier), opOf(later)];
    if (was === is) continue;
    const applied = run.applied.get(is);
    if (order !== 0 && applied !== undefined && compareRevision(applied, earlier.revision) > 0)
      continue;
    run.violation ??= `${showRevision(earlier.revision)} committed ${was}, ${showRevision(later.revision)} ${is}`;
  }
  run.commits.push(record);
}

const opOf = ({ value }: Committed): number => (value.kind === 'stack' ? value.life : -1);

function take(run: Run): void {
  const { bag, prng } = run;
  const [envelope] = bag.splice(below(prng, bag.length), 1);
  if (envelope === undefined || below(prng, 100) < 8) return;
  if (below(prng, 100) < 5) bag.push(envelope);
  deliver(run, envelope);
}

function play(seed: number): Run {
  const run = createRun(seed);
  elect(run);
  for (let i = 0; i < STEPS && run.violation === undefined; i++) {
    const chance = below(run.prng, 100);
    if (chance < 8) elect(run);
    else if (chance < 15) deploy(run);
    else if (chance < 18) toggle(run);
    else if (chance < 20) repeat(run);
    else take(run);
  }
  return run;
}

it(`no commit is lost in ${SCHEDULES} schedules`, () => {
  const violations: string[] = [];
  let commits = 0;
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const run = play(seed);
    commits += run.commits.length;
    if (run.violation !== undefined) violations.push(`seed ${seed}: ${run.violation}`);
  }
  expect(violations).toEqual([]);
  expect(commits).toBeGreaterThan(SCHEDULES);
});
