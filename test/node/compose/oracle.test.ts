/**
 * The official schema of the Compose format as oracle: what it accepts is accepted or named as not
 * supported, what it refuses is refused. Where that is not so there is a reason, and every reason is
 * needed.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadCompose } from '../../../node/compose/load.ts';
import { type Problem, renderProblem } from '../../../node/compose/problems.ts';
import { type Case, casesOf, type Schema } from './schema/cases.ts';

const SCHEMA = JSON.parse(
  readFileSync(new URL('schema/compose-spec.json', import.meta.url), 'utf8'),
) as Schema;
const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(SCHEMA);

/** What the schema lets pass and Compose means to be refused, by what is told. */
const STRICTER: readonly (readonly [told: RegExp, reason: string])[] = [
  [
    /there is no (service|volume|network|config|secret) /,
    'a schema does not see that a name is nowhere else in the file',
  ],
  [/there is no such file/, 'nor that a file is not there'],
  [/no service would run/, 'nor that no profile is asked for'],
  [/expected a duration/, 'texts have a grammar: durations'],
  [/expected a whole number/, 'numbers in texts, and their bounds'],
  [/expected true or false, got "/, 'flags in texts'],
  [/expected a port|expected an IP address|expected tcp or udp|expected host or ingress/, 'ports'],
  [/expected no, always, unless-stopped/, 'restart'],
  [/expected replicated, global/, 'deploy.mode'],
  [/expected none, on-failure or any/, 'deploy.restart_policy.condition'],
  [/expected an operating system and a processor/, 'platform'],
  [
    /expected pause(, continue or rollback| or continue)|expected a share from 0 to 1/,
    'deploy.update_config and rollback_config',
  ],
  [/expected raw, got/, 'the format of variables'],
  [/expected names of capabilities|the name or the number of a signal/, 'capabilities, signals'],
  [/expected NAME=ADDRESS/, 'extra_hosts'],
  [/expected a size such as/, 'sizes'],
  [/expected (a number|numbers) of processors/, 'processors'],
  [/(ipc|pid|uts|userns_mode): expected host/, 'namespaces'],
  [
    /expected the name of an? (image|volume|network|config|secret)|is no name for|expected the path|expected a path/,
    'names',
  ],
  [/the first word must be CMD/, 'healthcheck.test'],
  [/the path inside must begin with/, 'paths inside'],
  [/it is not said what is in this/, 'files come from somewhere'],
  [/is mounted twice/, 'one thing at one place'],
  [/missing: (path|a whole number|text)/, 'what Compose itself needs, though the schema does not'],
];

/** What is let pass though the schema does not. */
const LAXER: readonly (readonly [found: (one: Case) => boolean, reason: string])[] = [
  [({ value }) => value === null, 'an empty key is as good as absent'],
  [
    ({ value }) => Array.isArray(value) && value.length === 2 && value[0] === value[1],
    'what a list says twice is said once',
  ],
  [
    ({ at, value }) => /\.(memory|mem_reservation)$/.test(at) && typeof value === 'number',
    'sizes are read alike, as numbers too',
  ],
  [({ value }) => value === 0, 'no time at all needs no unit'],
  [({ at }) => at.startsWith('services.web.develop.watch'), 'it is read by those who develop'],
];

const cases = casesOf(SCHEMA);

function told({ document }: Case): readonly Problem[] {
  const source = { path: 'c.yaml', env: {}, dir: '/nowhere', name: 'shop' };
  const result = loadCompose(stringify(document), source);
  return result.ok ? [] : result.problems;
}

it('knows every place of the schema', () => {
  expect(cases.length).toBeGreaterThan(4_000);
});

it('is no stricter and no laxer than the schema, but for a reason', { timeout: 300_000 }, () => {
  const needed = new Set<string>();
  const unexplained: string[] = [];
  for (const one of cases) {
    const problems = told(one);
    const said = `${one.at}: ${JSON.stringify(one.value)}`;
    if (validate(one.document)) {
      for (const problem of problems) {
        if (problem.unsupported === true) continue;
        const line = renderProblem(problem);
        const reason = STRICTER.find(([pattern]) => pattern.test(line))?.[1];
        if (reason === undefined) unexplained.push(`refused ${said}: ${line}`);
        else needed.add(reason);
      }
    } else if (problems.length === 0) {
      const reason = LAXER.find(([found]) => found(one))?.[1];
      if (reason === undefined) unexplained.push(`accepted ${said}`);
      else needed.add(reason);
    }
  }
  expect(unexplained).toEqual([]);
  const reasons = [...STRICTER, ...LAXER].map(([, reason]) => reason);
  expect(reasons.filter((reason) => !needed.has(reason))).toEqual([]);
});
