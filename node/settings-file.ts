/**
 * `agent.yaml` with every key explained and commented out at its default: what the package installs, what
 * `docs/install.md` shows, and what agent.yaml(5) is made from.
 */
import type { FileSettings } from './config.ts';

type Explained = {
  /** As it would stand in the file. */
  readonly value: string;
  /** What it means, its unit and range; sentences without a full stop at the end. */
  readonly meaning: string;
};

/** In the order of the file. `value` is the default, where there is one for all hosts. */
export const SETTINGS: Readonly<Record<keyof FileSettings, Explained>> = {
  name: {
    value: 'h1',
    meaning: 'What people call this host: letters, digits, dots and dashes. Default: the host name',
  },
  engine: {
    value: 'auto',
    meaning: 'auto, docker or process. auto takes Docker if it answers, once, and remembers',
  },
  docker_socket: {
    value: '/var/run/docker.sock',
    meaning: 'Default: MILLRACE_DOCKER_SOCKET, else DOCKER_HOST=unix://PATH, else this',
  },
  publish_address: {
    value: '0.0.0.0',
    meaning: 'The address at which ports that components publish are bound',
  },
  listen: {
    value: "['0.0.0.0:7946']",
    meaning: "The agent's own port, for the other hosts: IP:PORT, one or more",
  },
  mdns: {
    value: 'true',
    meaning: 'Announce this host and look for the others by multicast',
  },
  peers: {
    value: '[]',
    meaning: 'Dialed besides what multicast finds: HOST:PORT or multiaddrs',
  },
  labels: {
    value: '{}',
    meaning:
      'What tells this host from others, such as { disk: ssd }: components may ask for it ' +
      '(node.labels.disk==ssd). agentctl host label sets more',
  },
  witness: {
    value: 'false',
    meaning: 'true: this host votes and runs nothing',
  },
  guard: {
    value: '/run/millrace-guard/guard.sock',
    meaning:
      "The socket of this host's guard, for strict singletons. Default: none; agentd.service names this " +
      'one as an option',
  },
  roster_stable_s: {
    value: '60',
    meaning: 'Seconds, 2 to 86400: how long voters stay as they are before they change again',
  },
  voter_dead_s: {
    value: '300',
    meaning: 'Seconds, 2 to 86400: how long a voter is dead before another host votes instead',
  },
  back_within_s: {
    value: '300',
    meaning:
      'Seconds, 0 to 86400: how long the others wait for this host when it reboots, before they move ' +
      'what has a named volume',
  },
  rebalance_after_s: {
    value: '60',
    meaning:
      'Seconds, 2 to 86400: how long all is calm before this host, where it leads a component with ' +
      'x-millrace.rebalance, moves one of its instances',
  },
  forget_s: {
    value: '86400',
    meaning:
      'Seconds, 10 to 31536000: how long a host is gone before the cluster forgets it; never while it votes',
  },
  join_timeout_s: {
    value: '30',
    meaning: 'Seconds, 1 to 60: how long a join looks for a member that lets this host in',
  },
  allow_chaos: {
    value: 'false',
    meaning: "true: members may break this agent's links on purpose (agentctl chaos)",
  },
  log_level: {
    value: 'info',
    meaning: 'trace, debug, info, warn, error, fatal or silent',
  },
  state: {
    value: '/var/lib/millrace',
    meaning:
      'What this host must remember. Default: MILLRACE_STATE, else this; without root ' +
      '$XDG_STATE_HOME/millrace',
  },
  socket: {
    value: '/run/millrace/agent.sock',
    meaning:
      'Where agentctl reaches this agent. Default: MILLRACE_SOCKET, else this; without root ' +
      '$XDG_RUNTIME_DIR/millrace/agent.sock',
  },
};

const HEAD = [
  'Settings of the Millrace agent of this host. Options of agentd stand above them.',
  'Every key is here, with its default. An unknown key is an error.',
  'After a change: systemctl restart agentd. What runs on this host runs on.',
];
const WIDTH = 98;

/** The whole file. As it is it changes nothing. */
export function settingsFile(): string {
  const keys = Object.entries(SETTINGS).map(([key, { value, meaning }]) =>
    [...comment(meaning), `#${key}: ${value}`].join('\n'),
  );
  return `${HEAD.map((line) => `# ${line}`).join('\n')}\n\n${keys.join('\n\n')}\n`;
}

function comment(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '#';
    }
    line = `${line} ${word}`;
  }
  return [...lines, line];
}
