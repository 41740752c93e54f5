/** What an isolated host does with its instances, and one whose slot was given away meanwhile. */
import { expect, it } from 'vitest';
import { onFrozen } from '../../../protocol/reconcile/slots.ts';
import {
  desired,
  exited,
  frozen,
  list,
  observed,
  type Stage,
  stage,
  started,
  trace,
  wake,
  WEB,
} from './stage.ts';

const isolated = (action: 'stop' | 'freeze') =>
  desired({ isolation: action, waitsFor: 'waits until this host hears a quorum of the voters' });

function running(): Stage {
  const s = stage();
  list(s, 0);
  started(s, 100, 1);
  return s;
}

it('stop: ends it, and starts it again at once when the host is no longer isolated', () => {
  const s = running();
  s.wanted = [isolated('stop')];
  wake(s, 5000);
  exited(s, 5100, 1, 143);
  wake(s, 9000);
  s.wanted = [desired()];
  wake(s, 9500);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    5000 woken: 1 stopping "this host hears no quorum of the voters" | stop e1 in 10000
    5100 e1 exited 143: 1 shutdown "this host hears no quorum of the voters; waits until this host hears a quorum of the voters"
    9000 woken: 1 shutdown "this host hears no quorum of the voters; waits until this host hears a quorum of the voters"
    9500 woken: 2 preparing | start shop.web.1 #2 r1"
  `);
});

it('freeze: asks once a second until it stands still, and thaws when newer assignments are known', () => {
  const s = running();
  s.wanted = [isolated('freeze')];
  wake(s, 5000);
  wake(s, 5999);
  wake(s, 6000);
  frozen(s, 6010, 1, true);
  wake(s, 8000);
  s.wanted = [desired()];
  s.hold = true;
  wake(s, 9000);
  s.hold = false;
  wake(s, 9100);
  frozen(s, 9110, 1, false);
  wake(s, 99_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    5000 woken: 1 running due 6000 | freezeInstance
    5999 woken: 1 running due 6000
    6000 woken: 1 running due 7000 | freezeInstance
    6010 e1 frozen: 1 running "frozen; waits until this host hears a quorum of the voters" due 7000
    8000 woken: 1 running "frozen; waits until this host hears a quorum of the voters"
    9000 woken: 1 running "frozen; waits for newer assignments after a stall of this agent"
    9100 woken: 1 running "frozen" due 10100 | thawInstance
    9110 e1 thawed: 1 running due 10100
    99000 woken: 1 running"
  `);
});

it('a rival is left alone, but for what its contract says, and stopped once another was chosen', () => {
  const s = running();
  s.wanted = [];
  s.rivals = [{ component: WEB, slot: 1, revision: 'r1' }];
  wake(s, 5000);
  s.rivals = [{ component: WEB, slot: 1, revision: 'r1', isolation: 'freeze' }];
  wake(s, 6000);
  frozen(s, 6010, 1, true);
  s.rivals = [{ component: WEB, slot: 1, revision: 'r1' }];
  wake(s, 7000);
  s.rivals = [];
  wake(s, 8000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    5000 woken: 1 running
    6000 woken: 1 running due 7000 | freezeInstance
    6010 e1 frozen: 1 running "frozen" due 7000
    7000 woken: 1 running "frozen"
    8000 woken: 1 stopping "not assigned to this host any more" | stop e1 in 10000"
  `);
});

it('a rival that was chosen goes on; one of another spec is none', () => {
  const s = running();
  s.step(4000, 'listed frozen', (slots, turn) => onFrozen(slots, turn, 'e1', true));
  s.wanted = [];
  s.rivals = [{ component: WEB, slot: 1, revision: 'r1' }];
  wake(s, 5000);
  s.wanted = [desired()];
  s.rivals = [];
  wake(s, 6000);
  frozen(s, 6010, 1, false);
  s.wanted = [];
  s.rivals = [{ component: WEB, slot: 1, revision: 'r2' }];
  wake(s, 7000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    4000 listed frozen: 1 running "frozen" due 5000 | thawInstance
    5000 woken: 1 running "frozen"
    6000 woken: 1 running "frozen" due 7000 | thawInstance
    6010 e1 thawed: 1 running due 7000
    7000 woken: 1 stopping "not assigned to this host any more" | stop e1 in 10000"
  `);
});

it('what someone else froze goes on, as it does not run', () => {
  const s = stage();
  list(s, 0, observed({ attempt: 1, state: 'paused' }));
  wake(s, 500);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed e1: 1 running "frozen" due 1000 | thawInstance
    500 woken: 1 running "frozen" due 1000"
  `);
});
