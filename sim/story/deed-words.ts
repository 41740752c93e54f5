/** What is done to a cluster from outside, in plain words. */
import type { Change } from '../../protocol/command/adjusts.ts';
import { showRevision } from '../../protocol/record/record.ts';
import type { HostIndex, Strike, Way } from '../strike.ts';
import type { Errand } from '../workload.ts';

export const hostName = (index: HostIndex): string => `h${index + 1}`;

const length = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;

/** Both directions of a link as one. */
function arrows(ways: readonly Way[]): string {
  const isBack = ([from, to]: Way): boolean => ways.some(([a, b]) => a === to && b === from);
  return ways
    .filter(([from, to]) => from < to || !isBack([from, to]))
    .map(([from, to]) => `${hostName(from)} ${isBack([from, to]) ? '↔' : '→'} ${hostName(to)}`)
    .join(', ');
}

const AWAY = ', it is away';

type Phrases = {
  readonly [K in Strike['kind']]: (strike: Extract<Strike, { readonly kind: K }>) => string;
};

const STRUCK: Phrases = {
  cut: ({ ways }) => `nothing passes ${arrows(ways)}`,
  clog: ({ ways }) => `everything is held up ${arrows(ways)}`,
  lossy: ({ ways, permille, only = 'message' }) =>
    `${permille / 10} % of each ${only} is lost ${arrows(ways)}`,
  reset: ({ a, b }) => `the connection of ${hostName(a)} and ${hostName(b)} breaks`,
  crash: ({ host }) => `the agent of ${hostName(host)} crashes${AWAY}`,
  upgrade: ({ host, clean }) =>
    `the agent of ${hostName(host)} is ${clean ? 'asked to end and ' : ''}upgraded${AWAY}`,
  lead: ({ host, to, force }) =>
    `a user asks ${hostName(host)} that ${hostName(to)} shall lead${force ? ', by force' : ''}`,
  leave: ({ host }) => `a user tells ${hostName(host)} to leave the cluster`,
  force: ({ host }) => `a user makes ${hostName(host)} the only voter, by force`,
  forget: ({ host, of }) => `a user asks ${hostName(host)} to forget ${hostName(of)}`,
  adjust: ({ host, of, change }) =>
    `a user asks ${hostName(host)} that ${hostName(of)} shall ${adjusted(change)}`,
  stop: ({ host }) => `the agent of ${hostName(host)} is stopped for good${AWAY}`,
  reboot: ({ host }) => `${hostName(host)} reboots, and says so`,
  lose: ({ host }) => `${hostName(host)} is lost with all that runs on it`,
  pause: ({ host }) => `the agent of ${hostName(host)} stands still`,
  suspend: ({ host }) => `${hostName(host)} sleeps`,
  lag: ({ host, lagMs }) => `each step of ${hostName(host)} comes up to ${length(lagMs)} late`,
  disk: ({ host, fault }) => `the disk of ${hostName(host)} ${DISK[fault]}`,
  exit: ({ host, how }) =>
    `an instance on ${hostName(host)} ${how === 'exit' ? 'ends by itself' : 'turns unhealthy'}`,
  drift: ({ host, how }) => `${MEDDLED[how]} on ${hostName(host)}`,
  crashLoop: ({ host }) => `what starts on ${hostName(host)} ends soon after`,
  engineHang: ({ host }) => `the engine of ${hostName(host)} does not answer`,
  guard: ({ host, fault }) => `the guard of ${hostName(host)} ${GUARD[fault]}`,
  engineRestart: ({ host, instances }) =>
    `the engine of ${hostName(host)} restarts, its instances ${instances}`,
};

function adjusted(change: Change): string {
  if (change.kind === 'availability') return `be ${change.to}`;
  const set = Object.entries(change.set).map(([name, value]) => `${name}=${value}`);
  return `have ${[...set, ...change.unset.map((name) => `no ${name}`)].join(', ')}`;
}

const MEDDLED = {
  changed: 'someone changes an instance',
  frozen: 'someone has an instance stand still',
  stopped: 'someone stops an instance',
  removed: 'someone removes an instance',
  restarted: 'someone restarts an instance',
  eachChanged: 'someone changes each instance that starts',
} as const;

const GUARD = {
  dies: 'dies',
  hangs: 'does not answer',
  slow: 'is slow to answer',
} as const;

const DISK = {
  slow: 'is slow',
  error: 'fails its next write',
  full: 'is full',
  lost: 'is lost, the agent is away',
} as const;

/** `isFrozen`: it was still so when the faults ended, and stays so. */
export function struck(strike: Strike, isFrozen: boolean): string {
  const says = (STRUCK[strike.kind] as (strike: Strike) => string)(strike);
  if (!('forMs' in strike)) return says;
  if (!isFrozen) return `${says} for ${length(strike.forMs)}`;
  return says.endsWith(AWAY) ? says.replace(AWAY, ' and stays away') : `${says} for good`;
}

export function asked({ given, attempt }: Errand): string {
  const expected =
    given.expect === undefined
      ? ''
      : `, expecting ${given.expect === 'none' ? 'none' : showRevision(given.expect)}`;
  const again = `${expected}${attempt > 1 ? `, asked for the ${attempt}. time` : ''}`;
  if (given.kind === 'destroy') return `destroy ${given.stack} (${given.deployId}${again})`;
  const components = given.spec.components.map(({ name, mode, replicas }) =>
    mode === 'global' ? `${name} everywhere` : `${replicas} × ${name}`,
  );
  return `deploy ${given.spec.name} with ${components.join(', ')} (${given.deployId}${again})`;
}
