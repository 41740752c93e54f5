/** `npm run bench -- recovery`: how long it takes until what was lost runs again. */
import { startsAlone } from './engine-alone.ts';
import {
  createBusyMeter,
  loadText,
  machine,
  median,
  type Series,
  table,
  worst,
} from './figures.ts';
import { phaseTable } from './phases.ts';
import type { BenchOptions } from './options.ts';
import { killRounds, lossRounds, type Round } from './rounds.ts';
import { closeStage, openStage, prepareEngine, type Stage } from './stage.ts';

/** What the engine's own start may be exceeded by, in ms. */
const ABOVE_ENGINE_MS = 50;

export async function benchRecovery(options: BenchOptions): Promise<object> {
  const { engine, rounds, signal, tell } = options;
  const busy = createBusyMeter();
  const load = loadText();
  await prepareEngine(engine);
  tell(`the engine alone: ${rounds} starts`);
  const alone = await startsAlone(engine, rounds, signal);
  const stage = await openStage({ ...options, logLevel: 'info' });
  try {
    const parts = await runAll(stage, options);
    const all = seriesOf(alone, parts);
    tell('');
    tell(table(all));
    for (const [name, round] of Object.entries(parts)) {
      if (round.length === 0) continue;
      tell(`\n${TITLES[name as keyof Parts]}: what the agents and the engine say\n`);
      tell(phaseTable(round.map(({ phases }) => phases)));
    }
    const gap = worst(stage.observer.gaps);
    tell(`\nseen from outside by the process list, at most ${gap.toFixed(1)} ms late`);
    const busyPercent = Math.round(busy());
    tell(`machine ${busyPercent} % busy, load before ${load}, after ${loadText()}`);
    return {
      schema: 'millrace/bench-recovery/1',
      machine: machine(),
      engine: engine.kind,
      agentd: options.agentd === undefined ? 'sources' : 'bundle',
      agents: options.agents,
      busy_percent: busyPercent,
      load_before: load,
      load_after: loadText(),
      late_ms: Number(gap.toFixed(1)),
      series: all.map(({ values, ...rest }) => ({
        ...rest,
        values: values.map((value) => Number(value.toFixed(1))),
      })),
      phases: {
        killed: phases(parts.killed),
        lost: phases(parts.lost),
        led: phases(parts.led),
      },
    };
  } finally {
    await closeStage(stage);
  }
}

type Parts = {
  readonly killed: readonly Round[];
  readonly lost: readonly Round[];
  readonly led: readonly Round[];
};
const TITLES = {
  killed: 'component killed',
  lost: 'host lost, led from another host',
  led: 'host lost that also leads',
} as const satisfies Record<keyof Parts, string>;

async function runAll(stage: Stage, { rounds, only, tell }: BenchOptions): Promise<Parts> {
  const asked = (name: keyof Parts): boolean => only === undefined || only.includes(name);
  if (asked('killed')) tell(`${TITLES.killed}: ${rounds} rounds`);
  const killed = asked('killed') ? await killRounds(stage, rounds) : [];
  if (asked('lost')) tell(`${TITLES.lost}: ${rounds} rounds`);
  const lost = asked('lost') ? await lossRounds(stage, rounds, { led: false, tell }) : [];
  if (asked('led')) tell(`${TITLES.led}: ${rounds} rounds`);
  const led = asked('led') ? await lossRounds(stage, rounds, { led: true, tell }) : [];
  return { killed, lost, led };
}

function seriesOf(alone: readonly number[], { killed, lost, led }: Parts): readonly Series[] {
  const unit = 'ms';
  const ms = (rounds: readonly Round[]): readonly number[] => rounds.map((round) => round.ms);
  const above = killed.map((round) => round.ms - median(alone));
  return [
    { name: "engine's own start, no agent", unit, values: alone },
    { name: 'component killed -> runs again', unit, values: ms(killed), aim: { median: 150 } },
    {
      name: "  above the engine's own start",
      unit,
      values: above,
      aim: { median: ABOVE_ENGINE_MS },
    },
    {
      name: 'host lost -> runs elsewhere',
      unit,
      values: ms(lost),
      aim: { median: 2500, worst: 4000 },
    },
    { name: "leader's host lost -> runs elsewhere", unit, values: ms(led), aim: { median: 4000 } },
  ].filter(({ values }) => values.length > 0);
}

const phases = (rounds: readonly Round[]): readonly Round['phases'][] =>
  rounds.map((round) => round.phases);
