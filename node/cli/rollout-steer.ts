/**
 * What users say of a rollout: a deploy of what is committed, with one component changed, and only if
 * nothing was deployed since. Whoever deploys the file again takes all of it back.
 */
import { randomUUID } from 'node:crypto';
import { componentOf, stackOf } from '../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import type { Past } from '../../protocol/record/record.ts';
import { asWanted } from '../../protocol/rollout/version.ts';
import type { ComponentView } from '../../protocol/view/view.ts';
import { type Following, follow, submit } from './deploy.ts';
import { deployed } from './deployed.ts';
import { age } from './duration.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import { historyOf } from './rollout-history.ts';
import { resolve } from './subject.ts';
import { type Cli, print, printJson } from './terminal.ts';
import { statuses } from './watch.ts';

export type Steered = Following & { readonly deployId?: string };

export async function pause(
  cli: Cli,
  word: string,
  { timeout, deployId }: Omit<Steered, 'wait'>,
): Promise<number> {
  const component = await componentNamed(cli, word);
  const { id, rollout } = component;
  // Whoever asks again under an id is answered by that.
  if (deployId === undefined) {
    const isOver = rollout === undefined || rollout.done === rollout.total;
    if (isOver && rollout?.state !== 'paused') throw nothingTo('pause', component);
    if (rollout?.held === true) return tellPaused(cli, component);
  }
  const hold = (spec: ComponentSpec): ComponentSpec => ({
    ...spec,
    steering: { ...spec.steering, held: true },
  });
  await say(cli, { verb: 'pause', component, id: deployId, change: hold });
  cli.continues = `it is accepted; see ${typed(`rollout status ${id}`)}`;
  for await (const { data } of statuses(cli, { until: Date.now() + timeout })) {
    const now = resolve(data.cluster, id, ['component']).component;
    if (now.rollout?.held === true || now.rollout === undefined) return tellPaused(cli, now);
  }
  throw new Failure({
    code: 'not-in-time',
    what: `the rollout of ${id} is not paused after ${age(timeout)}`,
    why: 'it is accepted, and its leader has not acted on it yet',
    next: typed(`rollout status ${id}`),
    exit: EXIT.unknown,
  });
}

function tellPaused(cli: Cli, { id, rollout }: ComponentView): number {
  if (cli.json) printJson(cli, { schema: 'millrace/rollout/1', data: { component: id, rollout } });
  else if (rollout === undefined) print(cli, `the rollout of ${id} was done before it was paused`);
  else
    print(
      cli,
      `the rollout of ${id} is paused at ${rollout.done} of ${rollout.total}`,
      `  next  ${typed(`rollout resume ${id}`)}      or ${typed(`rollout undo ${id}`)}`,
    );
  return EXIT.ok;
}

export async function resume(cli: Cli, word: string, options: Steered): Promise<number> {
  const component = await componentNamed(cli, word);
  const { state } = component.rollout ?? {};
  if (options.deployId === undefined && state !== 'paused' && state !== 'takenBack')
    throw nothingTo('resume', component);
  // Its own id tells this word from those before.
  const id = options.deployId ?? newId();
  const goOn = (spec: ComponentSpec): ComponentSpec => {
    const { held: _, ...others } = spec.steering ?? {};
    return { ...spec, steering: { ...others, resumed: id } };
  };
  const { spec, body } = await say(cli, { verb: 'resume', component, id, change: goOn });
  return follow(cli, spec, body, options);
}

export async function undo(cli: Cli, word: string, options: Steered): Promise<number> {
  const component = await componentNamed(cli, word);
  const { id, revision: undoes, rollout } = component;
  const { history } = await historyOf(cli, id);
  const isTaken = rollout?.refused === undoes;
  if (isTaken && options.deployId === undefined)
    throw new Failure({
      code: 'nothing-to-undo',
      what: `${undoes.slice(0, 7)} of ${id} was taken back already`,
      why: rollout?.why ?? 'too many of its instances failed',
      next: `${typed(`rollout status ${id}`)}; then deploy what is right`,
      exit: EXIT.refused,
    });
  const back = formerOf(history, undoes);
  if (back === undefined && options.deployId === undefined) throw noFormer(component, history);
  const putBack = (spec: ComponentSpec): ComponentSpec => ({
    ...asWanted(back ?? spec, spec),
    steering: { undoes },
  });
  const deployId = options.deployId ?? newId();
  const { spec, body } = await say(cli, {
    verb: 'undo',
    component,
    id: deployId,
    change: putBack,
  });
  return follow(cli, spec, body, options);
}

/** The newest that every slot had, but what is wanted now. */
const formerOf = (history: readonly Past[], present: string): ComponentSpec | undefined =>
  history.findLast(
    ({ revision, spec, became }) => spec !== undefined && became === 'done' && revision !== present,
  )?.spec;

function noFormer({ id }: ComponentView, history: readonly Past[]): Failure {
  const stood = history.filter(({ became }) => became === 'done');
  return new Failure({
    code: stood.length === 0 ? 'no-former-revision' : 'former-not-kept',
    what: `there is no former revision of ${id} to put back`,
    why:
      stood.length === 0
        ? 'of those that are remembered none came to all instances, or it was taken back since'
        : 'their specs are too large to be kept beside the present one',
    next: `${typed(`rollout history ${id}`)}; then deploy the file of before`,
    exit: stood.length === 0 ? EXIT.notFound : EXIT.refused,
  });
}

function nothingTo(verb: 'pause' | 'resume', { id, rollout }: ComponentView): Failure {
  const isPause = verb === 'pause';
  return new Failure({
    code: isPause ? 'no-rollout' : 'not-paused',
    what: isPause
      ? `no rollout of ${id} is under way`
      : `the rollout of ${id} does not stand still`,
    why:
      rollout === undefined
        ? 'all of its instances have what is wanted'
        : `${rollout.done} of ${rollout.total} are done, and it ${isPause ? 'is over' : 'goes on'}`,
    next: typed(`rollout status ${id}`),
    exit: EXIT.notFound,
  });
}

async function componentNamed(cli: Cli, word: string): Promise<ComponentView> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  return resolve(cluster, word, ['component']).component;
}

const newId = (): string => randomUUID().replaceAll('-', '');

type Word = {
  readonly verb: string;
  readonly component: ComponentView;
  readonly id: string | undefined;
  readonly change: (spec: ComponentSpec) => ComponentSpec;
};

/** Deploys it, if nothing was deployed since. */
async function say(cli: Cli, { verb, component: { id: component }, id = newId(), change }: Word) {
  const { spec, revision } = await deployed(cli, stackOf(component));
  const name = componentOf(component);
  const components = spec.components.map((one) => (one.name === name ? change(one) : one));
  const wanted = { ...spec, components };
  const body = await submit(cli, wanted, { deployId: id, expect: revision }, (again) =>
    typed(`rollout ${verb} ${component} --deploy-id ${again}`),
  );
  return { spec: wanted, body };
}
