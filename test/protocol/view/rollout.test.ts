/** What is told of a rollout, by the component's record. */
import { expect, it } from 'vitest';
import { rolloutOf } from '../../../protocol/view/rollout.ts';
import type { RolloutView } from '../../../protocol/view/view.ts';
import { stage } from '../rollout/stage.ts';

type Stage = ReturnType<typeof stage>;
const told = (web: Stage): RolloutView | undefined => rolloutOf(web.record, web.record.spec);
const begun = (): Stage => {
  const web = stage(3, { onFailure: 'rollback' });
  web.deploy('b');
  web.wait(0);
  return web;
};

it('says from which revision to which it goes, and how far it is', () => {
  const web = begun();
  const [former] = web.record.rollout?.former ?? [];
  expect(told(web)).toEqual({
    revision: web.record.revision,
    from: former?.revision,
    state: 'going',
    done: 0,
    total: 3,
    trial: [1],
  });
  web.finish();
  expect(told(web)).toBeUndefined();
});

it('says that a user holds it', () => {
  const web = begun();
  web.steer({ held: true });
  expect(told(web)).toMatchObject({ state: 'paused', held: true, why: 'a user holds it' });
});

it('says of the way back that it is one, by whatever it was begun', () => {
  const web = begun();
  web.finish();
  web.undo();
  web.wait(0);
  expect(told(web)).toMatchObject({ state: 'going', isBack: true });
  const other = begun();
  const { revision } = other.record;
  other.fates.set('b', 'ends');
  other.wait(0);
  const why = 'shop.web.1 failed';
  const refused = { state: 'takenBack', isBack: true, refused: revision, refusedAt: 'day 2', why };
  expect(told(other)).toMatchObject(refused);
});

it('says that its leader has yet to hear what a user said last', () => {
  const { record } = begun();
  expect(rolloutOf(record, { ...record.spec, steering: { held: true } })).toMatchObject({
    state: 'going',
    pending: true,
  });
});
