/**
 * The lab by hand: `npm run lab -- up`, break something, look, `npm run lab -- down`. docs/lab.md tells
 * what each verb does; docker-compose.test.yml is what it makes.
 */
import * as faults from '../node/local/lab/faults.ts';
import { build, down, execIn, type Lab, openLab, up } from '../node/local/lab/lab.ts';

type Verb = {
  readonly usage: string;
  /** How many words it takes: at least, at most. */
  readonly words: readonly [number, number];
  readonly run: (lab: Lab, words: readonly string[]) => Promise<number | void>;
};

const tell = (line: string): void => console.error(line);
const onHost = (fault: (lab: Lab, name: string) => Promise<void>): Verb['run'] => {
  return async (lab, [name = '']) => {
    await fault(lab, name); // what the engine answers is no exit code
  };
};

const VERBS: Readonly<Record<string, Verb>> = {
  build: { usage: 'build', words: [0, 0], run: (lab) => build(lab, tell) },
  up: { usage: 'up', words: [0, 0], run: (lab) => up(lab, tell) },
  down: {
    usage: 'down [--all]',
    words: [0, 1],
    run: (lab, [all]) => {
      if (all !== undefined && all !== '--all') throw new Error(`down knows no ${all}, only --all`);
      return down(lab, all === '--all');
    },
  },
  exec: {
    usage: 'exec HOST PROGRAM …',
    words: [2, Infinity],
    run: (lab, [name = '', ...words]) => show(lab, name, words),
  },
  cut: { usage: 'cut HOST', words: [1, 1], run: onHost(faults.cut) },
  heal: { usage: 'heal', words: [0, 0], run: (lab) => faults.healAll(lab) },
  kill: { usage: 'kill HOST', words: [1, 1], run: onHost(faults.kill) },
  power: { usage: 'power HOST', words: [1, 1], run: onHost(faults.power) },
  freeze: { usage: 'freeze HOST', words: [1, 1], run: onHost(faults.freeze) },
  loss: {
    usage: 'loss HOST PERCENT%',
    words: [2, 2],
    run: (lab, [name = '', percent = '']) => faults.lose(lab, name, probabilityOf(percent)),
  },
  'one-way': {
    usage: 'one-way FROM TO',
    words: [2, 2],
    run: (lab, [from = '', to = '']) => faults.oneWay(lab, from, to),
  },
  slow: { usage: 'slow HOST', words: [1, 1], run: onHost(faults.slow) },
  logs: {
    usage: 'logs [HOST]',
    words: [0, 1],
    run: async (lab, [name]) => {
      const names = name === undefined ? lab.plan.machines.map((one) => one.name) : [name];
      for (const one of names) await show(lab, one, ['journalctl', '--no-pager', '-u', 'agentd']);
    },
  },
};

function probabilityOf(percent: string): number {
  const number = /^(\d+(?:\.\d+)?)%$/.exec(percent)?.[1];
  const probability = Number(number) / 100;
  if (probability > 0 && probability <= 1) return probability;
  throw new Error(`${percent} is no loss: say how many percent of all packets, such as 20%`);
}

async function show(lab: Lab, name: string, words: readonly string[]): Promise<number> {
  const { code } = await execIn(lab, name, words, {
    hear: (chunk, to) => void (to === 'stdout' ? process.stdout : process.stderr).write(chunk),
  });
  return code;
}

const [word = '', ...words] = process.argv.slice(2);
const verb = Object.hasOwn(VERBS, word) ? VERBS[word] : undefined;
const [least, most] = verb?.words ?? [0, -1];
if (verb === undefined || words.length < least || words.length > most) {
  const usages = Object.values(VERBS).map(({ usage }) => `  npm run lab -- ${usage}`);
  console.error(`usage:\n${usages.join('\n')}`);
  process.exit(2);
}
try {
  process.exitCode = (await verb.run(await openLab(), words)) ?? 0;
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
