/**
 * What a container was made from, kept on it as a label, and what of that is not so any more. Nobody can
 * change the image, the environment or the labels of a container; who makes another under our labels
 * can. Networks, limits, the restart policy and the name change while it runs.
 *
 * Only what the engine keeps as it was told is compared: of the environment the part that was given,
 * before what the image adds; a limit that is not there at all may be one that its kernel does not have.
 */
import { createHash } from 'node:crypto';
import type { ContainerCreateOptions } from 'dockerode';
import { z } from 'zod';
import { DRIFT_CHARS_MAX } from '../engine.ts';
import { type Labels, MADE } from './labels.ts';

const endpoint = z.object({
  aliases: z.array(z.string()),
  address: z.string().optional(),
  address6: z.string().optional(),
});

const value = z.union([z.string(), z.number()]);

/** In the label. Long lists are kept as digests. */
const made = z.object({
  name: z.string(),
  image: z.string(),
  entrypoint: z.string().optional(),
  command: z.string().optional(),
  environment: z.object({ count: z.number(), digest: z.string() }),
  labels: z.object({ names: z.array(z.string()), digest: z.string() }),
  networks: z.record(z.string(), endpoint),
  limits: z.record(z.string(), value),
});
type Made = z.infer<typeof made>;
export type Endpoints = Made['networks'];

/** What can be changed while it runs, and is not in the list of networks. */
const LIMITS = {
  Memory: 'memory limit',
  MemoryReservation: 'memory reservation',
  MemorySwap: 'limit of memory and swap',
  NanoCpus: 'limit of processors',
  CpuQuota: 'quota of processors',
  CpuPeriod: 'period of that quota',
  CpuShares: 'share of processors',
  CpusetCpus: 'set of processors',
  PidsLimit: 'limit of processes',
  BlkioWeight: 'weight at disks',
} as const;
const LIMIT_NAMES = Object.keys(LIMITS) as (keyof typeof LIMITS)[];

const lists = z.array(z.string()).nullish();
const inspected = z.object({
  Name: z.string(),
  Config: z.object({
    Image: z.string(),
    Env: lists,
    Cmd: lists,
    Entrypoint: lists,
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  HostConfig: z.record(z.string(), z.unknown()),
  NetworkSettings: z.object({
    Networks: z.record(
      z.string(),
      z.object({
        Aliases: lists,
        IPAMConfig: z
          .object({ IPv4Address: z.string().optional(), IPv6Address: z.string().optional() })
          .nullish(),
      }),
    ),
  }),
});
type Inspected = z.infer<typeof inspected>;

/** The label for what `body` makes; on it are all others. */
export function madeLabel(
  name: string,
  { Image = '', Entrypoint, Cmd, Env = [], Labels = {}, HostConfig = {} }: ContainerCreateOptions,
  networks: Endpoints,
): Record<string, string> {
  const names = Object.keys(Labels).sort();
  const entrypoint = digestOfWords(Entrypoint);
  const command = digestOfWords(Cmd);
  const limits = LIMIT_NAMES.flatMap((limit) => {
    const given = HostConfig[limit];
    return given === undefined ? [] : [[limit, given] as const];
  });
  const all: Made = {
    name,
    image: Image,
    ...(entrypoint !== undefined && { entrypoint }),
    ...(command !== undefined && { command }),
    environment: { count: Env.length, digest: digestOf(Env) },
    labels: { names, digest: digestOfLabels(names, Labels) },
    networks,
    limits: Object.fromEntries(limits),
  };
  return { [MADE]: JSON.stringify(all) };
}

/** In words. `undefined`: nothing is seen to differ, or it is not known what it was made from. */
export function readDrift(answer: unknown): string | undefined {
  const is = inspected.safeParse(answer).data;
  const was = is === undefined ? undefined : readMade(is.Config.Labels ?? {});
  if (is === undefined || was === undefined) return undefined;
  const words = [
    ...wordsOfMaking(was, is),
    ...wordsOfNetworks(was.networks, is.NetworkSettings.Networks),
    ...wordsOfLimits(was.limits, is.HostConfig),
  ].join('; ');
  if (words.length <= DRIFT_CHARS_MAX) return words === '' ? undefined : words;
  return `${words.slice(0, DRIFT_CHARS_MAX - 1).toWellFormed()}…`;
}

function readMade(labels: Labels): Made | undefined {
  try {
    return made.safeParse(JSON.parse(labels[MADE] ?? '')).data;
  } catch {
    return undefined; // made before there was this label, or not by us
  }
}

function wordsOfMaking(was: Made, { Name, Config }: Inspected): readonly string[] {
  const { Image, Env, Cmd, Entrypoint, Labels } = Config;
  const name = Name.replace(/^\//, '');
  const given = (Env ?? []).slice(0, was.environment.count);
  const differs = (before: string | undefined, now: readonly string[] | null | undefined) =>
    before !== undefined && before !== digestOf(now ?? []);
  const isOther = differs(was.entrypoint, Entrypoint) || differs(was.command, Cmd);
  return [
    ...(Image === was.image ? [] : [`its image is ${Image}, not ${was.image}`]),
    ...(isOther ? ['it runs another command'] : []),
    ...(digestOf(given) === was.environment.digest ? [] : ['its environment is another']),
    ...(digestOfLabels(was.labels.names, Labels ?? {}) === was.labels.digest
      ? []
      : ['its labels are others']),
    ...(name === was.name ? [] : [`its name is ${name}, not ${was.name}`]),
  ];
}

function wordsOfNetworks(
  was: Endpoints,
  is: Inspected['NetworkSettings']['Networks'],
): readonly string[] {
  const left = Object.entries(was).flatMap(([name, { aliases, address, address6 }]) => {
    const now = is[name];
    if (now === undefined) return [`it has left the network ${name}`];
    const lost = aliases.filter((alias) => now.Aliases?.includes(alias) !== true);
    const isMoved =
      (address !== undefined && now.IPAMConfig?.IPv4Address !== address) ||
      (address6 !== undefined && now.IPAMConfig?.IPv6Address !== address6);
    return [
      ...lost.map((alias) => `it is not called ${alias} on the network ${name}`),
      ...(isMoved ? [`it has another address on the network ${name}`] : []),
    ];
  });
  const joined = Object.keys(is).filter((name) => was[name] === undefined);
  return [...left, ...joined.map((name) => `it has joined the network ${name}`)];
}

function wordsOfLimits(was: Made['limits'], is: Inspected['HostConfig']): readonly string[] {
  const words = LIMIT_NAMES.flatMap((limit) => {
    const before = limitOf(was[limit]);
    const now = limitOf(is[limit]);
    // Where none was given the engine chooses it by the memory limit.
    if (limit === 'MemorySwap' && before === undefined) return [];
    // One that is not there the engine may have dropped, as its kernel has none.
    if (now === before || now === undefined) return [];
    return [`its ${LIMITS[limit]} is ${now}, not ${before ?? 'any'}`];
  });
  const policy = z.object({ Name: z.string() }).safeParse(is['RestartPolicy']).data?.Name ?? '';
  const isOurs = policy === '' || policy === 'no';
  return isOurs ? words : [...words, `its engine restarts it too (${policy})`];
}

/** Undefined: there is none, in whichever way the engine says so. */
const limitOf = (told: unknown): string | number | undefined =>
  (typeof told === 'number' && told > 0) || (typeof told === 'string' && told !== '')
    ? told
    : undefined;

/** Undefined: the image says it. */
function digestOfWords(words: string | readonly string[] | undefined): string | undefined {
  const list = typeof words === 'string' ? [words] : words;
  return list === undefined || list.length === 0 || (list.length === 1 && list[0] === '')
    ? undefined
    : digestOf(list);
}

const digestOfLabels = (names: readonly string[], labels: Labels): string =>
  digestOf(names.map((name) => labels[name] ?? ''));

const digestOf = (words: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 16);
