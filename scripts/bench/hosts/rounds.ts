/** One trouble at a time, done to one system or the other alike, timed by the observer alone. */
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../../node/local/cluster.ts';
import type { Observer, Sighting } from '../observer.ts';
import { connect, cut, type Lan, type Site } from './lan.ts';
import type { Net, System } from './system.ts';

export type Scene = {
  readonly lan: Lan;
  readonly system: System;
  readonly observer: Observer;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  /** Called before each cut, and what it returns after it: for what can be read from logs. */
  readonly aroundCut?: (site: Site) => Promise<() => void>;
};

/** Instances while hosts are cut off: two on each. */
const REPLICAS = 10;
const DEPLOYED_MS = 300_000;
const REPLACED_MS = 180_000;
const SETTLE_MS = 240_000;
/** For so long all must have been well before the next round begins. */
const CALM_MS = 2_000;
const POLL_MS = 100;
const BREATH_MS = 500;

/** From being asked for until so many run, in ms. */
export async function deployRounds(
  scene: Scene,
  { replicas, net }: { readonly replicas: number; readonly net: Net },
  rounds: number,
): Promise<readonly number[]> {
  const values: number[] = [];
  // The first one reads programs from disk: thrown away.
  for (let round = 0; round <= rounds; round++) {
    const from = performance.now();
    const asked = scene.system.deploy(replicas, net);
    const done = await running(scene, DEPLOYED_MS, (all) => all.length >= replicas);
    await asked;
    if (round > 0) values.push(done - from);
    await settled(scene, replicas);
    await scene.system.destroy();
    await settled(scene, 0);
  }
  return values;
}

/** Each instance is killed once: none has a history of failures that would slow its restart. */
export async function killRounds(scene: Scene, rounds: number): Promise<readonly number[]> {
  await scene.system.deploy(rounds);
  await settled(scene, rounds);
  const values: number[] = [];
  for (const victim of scene.observer.running()) {
    const from = performance.now();
    process.kill(victim.pid, 'SIGKILL');
    const next = await scene.observer.started(
      ({ slot, pid }) => slot === victim.slot && pid !== victim.pid,
      AbortSignal.any([scene.signal, AbortSignal.timeout(REPLACED_MS)]),
    );
    values.push(next.at - from);
    await pause(BREATH_MS);
  }
  await settled(scene, rounds);
  await scene.system.destroy();
  await settled(scene, 0);
  return values;
}

/** `led`: whether it is the leader's host that is cut off. Until all instances run on the others. */
export async function cutRounds(
  scene: Scene,
  rounds: number,
  led: boolean,
): Promise<readonly number[]> {
  const { system, tell, lan } = scene;
  const values: number[] = [];
  const losses = new Map<Site, number>();
  while (values.length < rounds) {
    // Ours gives nothing for a while to a host that was lost for the second time in ten minutes: it would
    // have nothing to lose.
    const isCast = values.length % (lan.sites.length - 1) === 0;
    if (isCast && values.length > 0) {
      await system.destroy();
      await system.renew();
      await settled(scene, 0);
    }
    if (isCast) {
      await system.deploy(REPLICAS);
      await settled(scene, REPLICAS);
    }
    const site = await choose(scene, led, losses);
    losses.set(site, values.length + 1);
    const ms = await cutOne(scene, site);
    values.push(ms);
    tell(
      `${system.name}, ${led ? "leader's host" : 'host'} cut off: ${values.length} of ${rounds}: ${(ms / 1000).toFixed(2)} s`,
    );
  }
  await system.destroy();
  await settled(scene, 0);
  return values;
}

/** Takes turns among the hosts. The leader's host may have nothing to lose, then it has to lead once more. */
async function choose(
  { system, lan, observer }: Scene,
  led: boolean,
  losses: ReadonlyMap<Site, number>,
): Promise<Site> {
  const leader = await system.leader();
  const busy = lan.sites.filter((site) => observer.running().some((one) => isOn(one, site)));
  const [site] = busy
    .filter((each) => (each === leader) === led)
    .toSorted((a, b) => (losses.get(a) ?? 0) - (losses.get(b) ?? 0));
  if (site === undefined) throw new Error('no host has an instance to lose');
  return site;
}

async function cutOne(scene: Scene, site: Site): Promise<number> {
  const after = await scene.aroundCut?.(site);
  const from = performance.now();
  cut(site);
  try {
    const done = await running(
      scene,
      REPLACED_MS,
      (all) => all.filter((one) => !isOn(one, site)).length >= REPLICAS,
    );
    await pause(BREATH_MS);
    after?.();
    return done - from;
  } finally {
    connect(site);
    await settled(scene, REPLICAS);
  }
}

/** When it was seen that what runs is as wanted. */
async function running(
  { observer, signal }: Scene,
  limitMs: number,
  isWanted: (all: readonly Sighting[]) => boolean,
): Promise<number> {
  return until('instances to run', limitMs, () => {
    signal.throwIfAborted();
    return Promise.resolve(isWanted(observer.running()) ? performance.now() : undefined);
  });
}

/** Waits until, for a while on end, all is well and exactly so many run. */
export async function settled({ system, observer, signal }: Scene, count: number): Promise<void> {
  let since: number | undefined;
  await until('all to be well', SETTLE_MS, async () => {
    signal.throwIfAborted();
    // Who is too busy to answer is not well yet.
    const isWell = () => system.isWell().catch(() => false);
    const isCalm = observer.running().length === count && (await isWell());
    if (!isCalm) since = undefined;
    else since ??= performance.now();
    if (since !== undefined && performance.now() - since >= CALM_MS) return true;
    await pause(POLL_MS);
    return undefined;
  });
}

/** An instance carries its host's address or name, as its system can tell it. */
export const isOn = ({ address }: Sighting, { name, address: own }: Site): boolean =>
  address === own || address === name;
