/**
 * Clusters under faults, drawn from sixteen seeds, and two of them twice. Which seeds they are does not
 * matter; that each is a different storm does. CI runs 300, and `npm run sim -- fuzz --seeds 10000` more.
 */
import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../sim/fault-names.ts';
import { simulate } from '../../sim/run.ts';
import { drawOptions } from '../../sim/swarm.ts';

const SEEDS = Array.from({ length: 16 }, (_, i) => i + 1);
const TWICE = [3, 14];
/** The longest take eight seconds, on a machine that does nothing else. */
const PATIENCE_MS = 60_000;

describe('nothing goes wrong in the storm, all comes right in the calm', () => {
  it.each(SEEDS)('seed %i', (seed) => {
    const { verdict, figures } = simulate(drawOptions(seed));
    expect(verdict).toEqual({ kind: 'passed' });
    expect(figures.acquisitions).toBeGreaterThan(0);
  });
});

/** Every seed that has ever failed, with what it showed. */
const ONCE_FAILED = [
  [100167, 'a joining host that believed itself connected to nobody never asked to be let in'],
  [129, 'the brake did not count a peer that was known by name before it was heard (S16)'],
  [
    978,
    'a voter that had promised a higher ballot was asked for a lower one again and again (S14)',
  ],
  [99, 'a slot was taken for given anew that its leader had committed long ago (S25)'],
  [1005, 'a slot that had ended for good under one restart policy stayed so under another (L5)'],
  [2001, 'an agent that stood still was condemned early by whom another had warned before (S17)'],
  [2503, 'a host whose steps came late for good was at times taken for silent (L3)'],
  [17, 'a message that was late by more than a destroyed stack was remembered (S21)'],
  [495, 'a slot won and given up in one step: the guard was told of both, in order (S19)'],
  [1034, 'a choice that is repeated was judged by what its leader has learned since (S15)'],
  [1174, 'a choice was judged by what its leader found out in the very step (S15)'],
  [1127, 'a host was forgotten while the leader was asking for it as a voter (S20)'],
  [1335, 'two voters without their disks were still being replaced, one after the other (L6)'],
  [1701, 'a voter heard that it is forgotten before it heard that it votes no more (S1)'],
  [2591, 'what was left of a lease was measured by another clock than its agent has (S19)'],
  [3573, 'a list of members that is repeated was judged by what its leader heard since (S20)'],
  [4700, 'a session was given up in the very step in which a key was bound to it (S19)'],
  [5101, 'a host was doubted in the very step in which it was asked for as a voter (S7)'],
  [6123, 'the answer to an earlier life that it is over was taken for a grant (S6)'],
  [6172, 'a host let in again had ended the sessions of that very life, and that came late (S1)'],
  [6255, 'a slot left a host that leaves, and that is not to have it again (S15)'],
  [6575, 'a new voter had not synced when one of before was lost, and never could again (L5)'],
  [6637, 'a member that was never heard counted as one that could vote (S7)'],
  [7204, 'a disk was lost where another of three voters had none of what was decided (L1)'],
  [7389, 'of a host that was forgotten and let in again older news came first (S9)'],
  [7689, 'a voter that was removed and added again gave its keys to nobody (S1)'],
  [
    8146,
    'one that stood still was seen by one watcher alone, to whom the others were cut off (S17)',
  ],
  [9210, 'a leader read for ever: a change of roster had made a quorum of the answers it had (L1)'],
  [8736, 'what hosts of an earlier generation said was meant to be believed (S12)'],
  [1348, 'the same as seed 495'],
  [3159, 'the same as seed 6637'],
  [3808, 'the same as seed 4700'],
  [9665, 'of a ring of hosts each of which hears two others none was to be condemned (S17)'],
  [184, 'what a leader had written without a commit was taken for a new decision (S27)'],
  [204, 'of a job it was forgotten what its leader had just committed again (S27)'],
  [268, 'a run was held against the one before what its leader had committed again (S27)'],
  [8001, 'a host that is drained was to be remembered like one that may be heard again (S15)'],
  [40016, 'the same as seed 129, with a witness and over streams'],
  [2032, 'a job was run again where it was done, for its slot had been elsewhere in between (S27)'],
  [539, 'a slot had ended for good under a policy that was there between two starts (S13)'],
  [107, 'a host that leaves keeps what fits nowhere else, and stays with it (L1)'],
  [192, 'a rollout over as many slots as nine hosts hold took longer than the calm lasts (L1)'],
  [233, 'a strict instance ended with its lease, remembered from before it was strict (S15)'],
  [240, 'a host heard that it is forgotten while more waited to be heard (S20)'],
  [1704, 'an instance of before was judged as the new one of its revision (S26)'],
  [1798, 'a rollout that waits for what nobody can be asked for stands in as long (L1)'],
  [1832, 'the same as seed 567 (S20)'],
  [1148, 'a slot left an engine that had not started it, on a host that was doubted (S15)'],
  [2166, 'a voter that users made the only one was to fetch from the voters before (S6)'],
  [2078, 'a term was taken for revoked by the roster of long before (S18)'],
  [858, 'users wanted something else of the revision that was just taken back (S26)'],
  [960, 'a slot was to return to a host that is drained (S15)'],
  [1004, 'TCP waited to try again long after the sleep that it had waited for (S17)'],
  [1540, 'the same as seed 5101, of one that was not asked for'],
  [2480, 'a change of five voters waited for one that could not sync, each time anew (L6)'],
  [2958, 'what had failed counted for nothing once the policy was another (S26)'],
  [3794, 'a slot of a job that users took out and put back began anew (S27)'],
  [3912, 'the same as seed 1004, of a message that was lost on its way'],
  [3926, 'a voter had accepted voters that were then lost for good (L1)'],
  [4058, 'most peers vanished in the very step, after slots had been moved (S16)'],
  [4142, 'an agent had stood still, and more waited to be heard (S19)'],
  [4248, 'a rollout waited for what had ended for good after its trial (L1)'],
  [4811, 'the same as seed 4142 (S15)'],
  [5329, 'a host that leaves said in the very step that it has ended (S20)'],
  [5640, 'an engine was called silent a question too late after its agent had stood still (S23)'],
  [6437, 'the same as seed 4142 (S15)'],
  [7403, 'the same as seed 3912'],
  [8151, 'the same as seed 4142'],
  [8293, 'the same as seed 4142 (S15)'],
  [8486, 'a stack was without a component between two deploys of one step (S13)'],
  [8823, 'a dead peer was believed alive between two messages that had waited (S16)'],
  [2657, 'most voters were to be lost where none was up'],
  [567, 'what a single voter had committed without a word was taken for given anew (S23)'],
  [11240, 'a slot that an undo gives what it still runs was taken for one that ends (S26)'],
  [11809, 'a drained slot that went back to its oldest instance was taken for lost (S29)'],
  [16826, 'a voter that was no member any more was woken for records it no longer asked for (S14)'],
  [
    18435,
    'an instance that someone had started again was taken for one of two to choose from (S15)',
  ],
  [15080, 'a way back of eighteen slots by the usual policy took longer than the calm lasts (L1)'],
  [3963, 'an instance that gave up its number was counted as one that had failed (S13)'],
  [16187, 'a host was asked to run what waits for a quorum that it cannot hear (L5)'],
  [16666, 'a way back took as many at once as the way there had stand in (S26)'],
  [17595, 'a host forced to vote was judged by that when voters were forced elsewhere later (S22)'],
  [18505, 'the same as 15080, after another stack of that name (L1)'],
  [10418, 'a way back waited for one that stood in and had ended for good (L1)'],
  [10068, 'a slot was taken for given by what a leader that left had written in vain (S24)'],
  [11149, 'what had ended for good on the way there was to stand in on the way back (S26)'],
  [
    11638,
    'of what waited for a reboot a part no longer found room, by what was wanted since (S24)',
  ],
  [16557, 'an instance that had ended before its host heard that it runs was to wait again (S30)'],
  [18359, 'an instance that was frozen at its first check was never checked again (L1)'],
  [13217, 'one that could not win left the others one try each, with a number too low (L7)'],
  [13487, 'a stack was destroyed twice in one step, and only at last with others in order (S34)'],
  [13789, 'what comes back was taken for what a user has undone (S26)'],
  [43003, 'a host that heard nothing more was taken for the leader it had once said it was (L7)'],
] as const;

it.each(ONCE_FAILED)(
  'seed %i, which once failed: %s',
  (seed, _what) => {
    expect(simulate(drawOptions(seed)).verdict).toEqual({ kind: 'passed' });
  },
  PATIENCE_MS,
);

it.each(TWICE)('seed %i takes the same course twice, to the last word (M1)', (seed) => {
  // The second time as `--twice` does it, without anybody to judge it.
  const [first, second] = [false, true].map(
    (isUnjudged) => simulate(drawOptions(seed), { everyWord: true, isUnjudged }).hash,
  );
  expect(second).toBe(first);
});

it('draws each fault class for some seeds and spares others from it', () => {
  const seeds = Array.from({ length: 500 }, (_, i) => i + 1);
  const storms = seeds.map((seed) => new Set(faultsOf(drawOptions(seed))));
  const faults = [...new Set(storms.flatMap((storm) => [...storm]))];
  const lopsided = faults.filter((fault) => {
    const share = storms.filter((storm) => storm.has(fault)).length / storms.length;
    return share < 0.1 || share > 0.9;
  });
  expect(faults.length).toBeGreaterThan(10);
  expect(lopsided).toEqual([]);
});
