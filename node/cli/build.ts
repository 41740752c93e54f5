/**
 * Images of a stack that are built: what they are called, which follows from their files, and the building
 * before a deploy, so that what is to be replaced is not stopped for an image that does not come about.
 */
import { Readable } from 'node:stream';
import type { StackSpec } from '../../protocol/component/spec.ts';
import type { ClusterView } from '../../protocol/view/view.ts';
import { bundleOf, digest } from '../build/bundle.ts';
import { ContextError, readContext } from '../build/context.ts';
import type { Recipe } from '../build/recipe.ts';
import type { BuildSource } from '../compose/service/build.ts';
import type { PlanBody } from '../http/api.ts';
import { createSemaphore } from '../network/semaphore.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import { type Cli, note } from './terminal.ts';
import { hostName } from './verdict.ts';

/** What one image is built from. */
export type Packed = {
  readonly service: string;
  readonly image: string;
  readonly hash: string;
  readonly bytes: number;
  readonly open: () => Readable;
};

/** Hosts that are asked at once. */
const ASKED_MAX = 32;

/** The stack with the names of its images. Throws a `Failure` where one cannot be built from what is there. */
export async function packBuilds(
  stack: StackSpec,
  builds: ReadonlyMap<string, BuildSource>,
): Promise<{ readonly stack: StackSpec; readonly packed: readonly Packed[] }> {
  const packed: Packed[] = [];
  for (const { name, image = '' } of stack.components) {
    const source = builds.get(name);
    if (source === undefined) continue;
    const { folder, dockerfile: written, ...others } = source;
    try {
      const { dockerfile, entries } = await readContext(folder, written);
      const recipe: Recipe = { ...others, dockerfile };
      const { hash, bytes } = await digest(bundleOf(recipe, entries));
      const open = (): Readable => Readable.from(bundleOf(recipe, entries), { objectMode: false });
      packed.push({ service: name, image: `${image}:${hash}`, hash, bytes, open });
    } catch (error) {
      throw error instanceof ContextError ? unbuildable(name, error) : error;
    }
  }
  const images = new Map(packed.map(({ service, image }) => [service, image]));
  const components = stack.components.map((component) => {
    const image = images.get(component.name);
    return image === undefined ? component : { ...component, image };
  });
  return { stack: { ...stack, components }, packed };
}

function unbuildable(service: string, { message, why, next }: ContextError): Failure {
  const what = `services.${service}.build: ${message}`;
  return new Failure({ code: 'bad-build', what, why, next, exit: EXIT.usage });
}

type Job = { readonly host: string; readonly name: string; readonly one: Packed };

/** Builds on the hosts that will run it, or throws a `Failure`: then nothing is deployed. */
export async function buildImages(
  cli: Cli,
  stack: StackSpec,
  packed: readonly Packed[],
  secrets: Readonly<Record<string, string>>,
): Promise<void> {
  if (packed.length === 0) return;
  cli.continues = 'nothing was deployed';
  for (const one of packed) await send(cli, one);
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const { components } = await cli.client.plan({ stack, secrets }, cli.signal);
  const jobs = packed.flatMap((one): readonly Job[] => {
    const hosts = hostsOf(`${stack.name}.${one.service}`, cluster, components);
    if (hosts.length === 0)
      note(cli, `${one.service}: no host would run it now; its image is built where it will run`);
    return hosts.map((host) => ({ host, name: hostName(cluster, host), one }));
  });
  const places = createSemaphore(ASKED_MAX);
  const outcomes = await Promise.all(
    jobs.map(async (job) => {
      const release = await places.acquire(cli.signal);
      return buildOne(cli, job).finally(release);
    }),
  );
  const failed = outcomes.find((outcome) => outcome !== undefined);
  if (failed !== undefined) throw notBuilt(stack.name, failed);
}

async function send(cli: Cli, { service, hash, bytes, open }: Packed): Promise<void> {
  if ((await cli.client.bundle(hash, cli.signal)).kept) return;
  note(cli, `${service}: sends its context, ${Math.ceil(bytes / 1024)} KiB`);
  await cli.client.keepBundle(hash, open(), cli.signal);
}

/** Where it runs now and where it will; of what goes elsewhere the present host may build in vain. */
function hostsOf(
  id: string,
  cluster: ClusterView,
  planned: PlanBody['components'],
): readonly string[] {
  const now = cluster.stacks
    .flatMap(({ components }) => components)
    .filter((component) => component.id === id)
    .flatMap(({ slots }) => slots.flatMap(({ host }) => host ?? []));
  const decisions = planned.find((component) => component.id === id)?.decisions ?? [];
  const then = decisions.flatMap(({ kind, host }) =>
    kind === 'placed' || kind === 'moved' ? (host ?? []) : [],
  );
  return [...new Set([...now, ...then])];
}

type NotBuilt = Job & { readonly why: string };

/** Undefined: the image is there, or its host builds it once it needs it. */
async function buildOne(cli: Cli, job: Job): Promise<NotBuilt | undefined> {
  const { host, name, one } = job;
  const at = `${one.service} on ${name}`;
  for await (const body of cli.client.build(host, { image: one.image }, cli.signal)) {
    if ('line' in body) note(cli, `${at}: ${body.line}`);
    else if ('failed' in body) return { ...job, why: body.failed };
    else if ('unheard' in body) note(cli, `${at}: not built now, ${body.unheard}`);
    else if (body.built) note(cli, `${at}: built`);
  }
  return undefined;
}

function notBuilt(stack: string, { one, name, why }: NotBuilt): Failure {
  return new Failure({
    code: 'build-failed',
    what: `the image of ${stack}.${one.service} could not be built on ${name}; nothing was deployed`,
    why,
    next: `correct what it is built from, and again: ${typed('deploy')}`,
    exit: EXIT.unhealthy,
  });
}
