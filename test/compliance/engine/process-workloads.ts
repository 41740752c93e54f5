/** What the embedded engine runs for the suite: lines of shell. */
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { Workloads } from './ground.ts';

export const sleep = 'while :; do sleep 1000; done';
/** Forks no more once it has printed: whoever is frozen while it forks shows as busy. */
const PRINT = `printf '%s\\n' "$@"; exec sleep 1000000`;
export const processWorkloads: Workloads = {
  sleepForEver: () => shell(sleep),
  exitWith: (code) => shell(`exit ${code}`),
  ignoreSigterm: () => shell(`trap '' TERM; echo ready; ${sleep}`),
  printLines: (lines) => ({
    ...shell(PRINT),
    process: { command: ['/bin/sh', '-c', PRINT, 'sh', ...lines] },
  }),
  printBoth: (out, err) => shell(`echo ${out}; echo ${err} >&2; ${sleep}`),
  countForEver: () => shell('n=0; while n=$((n + 1)); do echo $n; sleep 0.05; done'),
  healthyWhile: (file) => ({
    ...shell(sleep),
    healthcheck: {
      test: { kind: 'exec', words: ['test', '-e', file] },
      intervalMs: millis(100),
      timeoutMs: millis(5_000),
      retries: 2,
      startPeriodMs: millis(60_000),
    },
  }),
  keepInVolume: () => ({
    ...shell(
      `echo x >>"$MILLRACE_VOLUME_DATA/x"; echo lines $(wc -l <"$MILLRACE_VOLUME_DATA/x"); ${sleep}`,
    ),
    volumes: [{ kind: 'named', source: 'kept', target: '/data', readOnly: false }],
  }),
  badCommand: () => ({ ...shell(''), process: { command: ['/no/such/command'] } }),
  inputs: {
    copyInput: () => shell('cat; echo end'),
    firstOfInput: () => shell('head -c 1 >/dev/null; echo enough'),
  },
  others: {
    freeze: async ({ pid = 0 }) => void process.kill(pid, 'SIGSTOP'),
    thaw: async ({ pid = 0 }) => void process.kill(pid, 'SIGCONT'),
  },
  commands: {
    print: (out, err, code) => ['sh', '-c', `echo "${out}"; echo "${err}" >&2; exit ${code}`],
    copy: () => ['cat'],
    show: (variable) => ['sh', '-c', `echo "$${variable}"`],
    hang: () => ['sh', '-c', `echo ready; ${sleep}`],
  },
};

/** A component that is one line of shell. */
export function shell(line: string): ComponentSpec {
  return {
    name: 'work',
    mode: 'replicated',
    replicas: 1,
    process: { command: ['/bin/sh', '-c', line] },
    environment: {},
    ports: [],
    volumes: [],
    restart: { kind: 'no' },
    dependsOn: [],
    stopGraceMs: millis(1_000),
  };
}
