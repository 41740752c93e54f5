/** One failure at a time, and how long it took until what was lost ran again. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ComponentView } from '../../protocol/view/view.ts';
import type { LocalAgent } from '../../node/local/cluster.ts';
import { enginePhases } from './engine-events.ts';
import type { Sighting } from './observer.ts';
import { logMarks, type Phases, phasesOf } from './phases.ts';
import { deploy, destroy, loseHost, returnHost, settled, sleeper, type Stage } from './stage.ts';

export type Round = { readonly ms: number; readonly phases: Phases };

const REPLACED_MS = 60_000;
/** Between two kills: what the last one set off has ended. */
const BREATH_MS = 500;
/**
 * Who has stood still trusts its own ears less for so long, and confirms no suspicion at first: whoever is
 * lost meanwhile is dead 0.4 s later.
 */
const EARS_HEAL_MS = 10_000;
/** Components to choose a victim from: enough for every host to run and to lead some. */
const SINGLES = 10;

/** Kills each slot once: none has a history of failures that would slow its restart. */
export async function killRounds(stage: Stage, rounds: number): Promise<readonly Round[]> {
  await deploy(stage, { name: 'crowd', components: [sleeper(stage, 'member', rounds)] });
  const done: Round[] = [];
  for (const victim of stage.observer.running()) {
    await pause(BREATH_MS);
    const marks = logMarks(stage.cluster.agents);
    const wall = Date.now();
    const from = performance.now();
    process.kill(victim.pid, 'SIGKILL');
    const next = await replacement(stage, victim);
    await pause(BREATH_MS);
    const sought = { host: '', component: `${victim.component}.${victim.slot}` };
    const { engine } = stage;
    const told = engine.kind === 'docker' ? await enginePhases(engine.socket, wall) : {};
    done.push({ ms: next.at - from, phases: { ...told, ...phasesOf(marks, wall, sought) } });
  }
  await destroy(stage, 'crowd');
  return done;
}

/** `led`: whether the host that is lost also leads the component. */
export async function lossRounds(
  stage: Stage,
  rounds: number,
  { led, tell }: { readonly led: boolean; readonly tell: (line: string) => void },
): Promise<readonly Round[]> {
  const done: Round[] = [];
  for (let cast = 1; done.length < rounds; cast++) {
    const name = `${led ? 'led' : 'lost'}-${cast}`;
    const components = Array.from({ length: SINGLES }, (_, i) => sleeper(stage, `c${i + 1}`, 1));
    await deploy(stage, { name, components });
    for (;;) {
      const victim = done.length < rounds ? await choose(stage, name, led) : undefined;
      if (victim === undefined) break; // nobody both leads and runs one: other names, other hosts
      const round = await loseOne(stage, victim);
      done.push(round);
      tell(
        `${done.length} of ${rounds}: ${(round.ms / 1000).toFixed(3)} s ${JSON.stringify(round.phases)}`,
      );
    }
    await destroy(stage, name);
  }
  return done;
}

type Victim = {
  readonly agent: LocalAgent;
  readonly host: string;
  readonly component: ComponentView;
};

/** Takes turns among the hosts, so that no round finds one still busy with the last. */
async function choose(stage: Stage, stack: string, led: boolean): Promise<Victim | undefined> {
  const view = await settled(stage);
  const components = view.stacks.find(({ name }) => name === stack)?.components ?? [];
  const found = components.flatMap((component) => {
    const host = component.slots[0]?.host;
    const agent = stage.cluster.agents.find(
      ({ name }) => name === view.hosts.find(({ id }) => id === host)?.name,
    );
    if (host === undefined || agent === undefined) return [];
    return (component.leader?.host === host) === led ? [{ agent, host, component }] : [];
  });
  return found.toSorted((a, b) => lostAt(a.agent) - lostAt(b.agent))[0];
}

const losses = new WeakMap<LocalAgent, number>();
const lostAt = (agent: LocalAgent): number => losses.get(agent) ?? 0;

async function loseOne(stage: Stage, { agent, host, component }: Victim): Promise<Round> {
  const running = stage.observer.running();
  const victim = running.find((found) => found.component === component.id);
  if (victim === undefined) throw new Error(`${component.id} does not run`);
  const marks = logMarks(stage.cluster.agents);
  const wall = Date.now();
  const from = performance.now();
  losses.set(agent, from);
  loseHost(agent, running);
  try {
    const next = await replacement(stage, victim);
    await pause(BREATH_MS);
    return { ms: next.at - from, phases: phasesOf(marks, wall, { host, component: component.id }) };
  } finally {
    returnHost(agent);
    await settled(stage);
    await pause(EARS_HEAL_MS);
  }
}

function replacement({ observer, signal }: Stage, lost: Sighting): Promise<Sighting> {
  return observer.started(
    ({ component, slot, pid }) =>
      component === lost.component && slot === lost.slot && pid !== lost.pid,
    AbortSignal.any([signal, AbortSignal.timeout(REPLACED_MS)]),
  );
}
