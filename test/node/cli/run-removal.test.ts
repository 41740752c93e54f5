/** How a task is removed, and what is said of one that does not go. */
import { expect, it } from 'vitest';
import { removeRun } from '../../../node/cli/run-removal.ts';
import type { Cli } from '../../../node/cli/terminal.ts';
import { ApiError } from '../../../node/http/client.ts';

const BOUNDS = { acceptMs: 200, goneMs: 0, againMs: 1 };
const REPORT = { kind: 'instance', component: 'task.run', slot: 1, state: 'stopping' };

type Scene = {
  /** What becomes of each try to destroy it, the last one for all that follow. */
  readonly tries: readonly ('done' | 'none' | 'refused')[];
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly state?: 'alive' | 'dead';
  readonly interrupted?: boolean;
};

const refusal = (code: string): ApiError =>
  new ApiError(409, { code, what: 'refused', why: 'no quorum', next: '', exit: 6 });

/** What is told, and what is said of it to a user who interrupts. */
async function removed({ tries, entries = {}, state = 'alive', interrupted = false }: Scene) {
  let asked = 0;
  let told = '';
  const slots = [{ slot: 1, host: 'h2' }];
  const cluster = {
    hosts: [{ id: 'h2', name: 'two', state }],
    stacks: [{ name: 'task', components: [{ slots }] }],
  };
  const client = {
    status: () => Promise.resolve({ data: { cluster } }),
    inspect: () => Promise.resolve({ data: { record: { host: { kind: 'host' }, ...entries } } }),
    destroy: () => {
      const outcome = tries[Math.min(asked, tries.length - 1)];
      asked += 1;
      if (outcome === 'done') return Promise.resolve({});
      return Promise.reject(refusal(outcome === 'none' ? 'no-such-stack' : 'refused'));
    },
  };
  const stderr = { write: (text: string) => (told += text) };
  const signal = interrupted ? AbortSignal.abort() : new AbortController().signal;
  const cli = { client, stderr, signal } as unknown as Cli;
  await removeRun(cli, 'task', BOUNDS);
  return { asked, told, continues: cli.continues };
}

it('destroys it, again until it works, and says nothing of what goes', async () => {
  expect(await removed({ tries: ['done'] })).toEqual({
    asked: 1,
    told: '',
    continues: 'task was ended and removed',
  });
  expect(await removed({ tries: ['refused', 'refused', 'done'] })).toMatchObject({
    asked: 3,
    told: '',
  });
  expect(await removed({ tries: ['none'] })).toMatchObject({ asked: 1, told: '' });
});

it('says what is left, where, and what to do', async () => {
  const refused = await removed({ tries: ['refused'] });
  expect(refused.told).toContain('task is not removed: no quorum; do it with');
  expect(refused.told).toContain('destroy task --yes');
  const stuck = await removed({ tries: ['done'], entries: { 'instance/task.run/1': REPORT } });
  expect(stuck.told).toBe(
    'task is not gone yet, the cluster goes on ending it: task.run.1 is stopping on two\n',
  );
  const others = { other: { ...REPORT, component: 'task2.run' } };
  expect(await removed({ tries: ['done'], entries: others })).toMatchObject({ told: '' });
  const lost = await removed({ tries: ['done'], state: 'dead' });
  expect(lost.told).toBe('two is dead; what it has of task it ends once it is heard again\n');
});

it('does so after Ctrl-C too, and leaves the last word to it', async () => {
  const { asked, told, continues } = await removed({ tries: ['done'], interrupted: true });
  expect(asked).toBe(1);
  expect(told).toBe('\nends task and removes it\n');
  expect(continues).toBe('task was ended and removed');
});
