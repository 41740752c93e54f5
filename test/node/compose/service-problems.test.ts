/** What a user reads about a service that is not as it should be, key by key. */
import { expect, it } from 'vitest';
import { told, web } from './told.ts';

const PORT = 'write [ADDRESS:][PUBLISHED:]TARGET[/udp], e.g. 8080:80';
const VOLUME = 'write NAME:/path/inside[:ro] or /path/on/the/host:/path/inside[:ro]';
const INGRESS =
  'published on the hosts that run it, not on every host; say mode: host in the long form';

it.each([
  // keys
  [
    'replcas: 1',
    ['c.yaml:4:5 services.web.replcas: unknown key; docs/compose.md lists the keys that are'],
  ],
  ['helthchek: {}', ['c.yaml:4:5 services.web.helthchek: unknown key, did you mean healthcheck?']],
  // Two slips in three letters are another word.
  ['pdi: x', ['c.yaml:4:5 services.web.pdi: unknown key; docs/compose.md lists the keys that are']],
  ['imge: x', ['c.yaml:4:5 services.web.imge: unknown key, did you mean image?']],
  [
    'deploy: {replica: 2}',
    ['c.yaml:4:14 services.web.deploy.replica: unknown key, did you mean replicas?'],
  ],
  [
    'constructor: 1',
    ['c.yaml:4:5 services.web.constructor: unknown key; docs/compose.md lists the keys that are'],
  ],
  [
    'use_api_socket: true',
    ['c.yaml:4:5 services.web.use_api_socket: not supported yet: it cannot be chosen yet'],
  ],
  ['privileged: false', []],
  ['networks: {}', []],
  ['profiles:', []],
  [
    'container_name: xy',
    [
      'warning c.yaml:4:5 services.web.container_name: ignored: an instance is named after its stack, component and slot',
    ],
  ],
  ['x-anything: {of: [mine]}', []],
  [
    'x-millrace: {proces: 1}',
    ['c.yaml:4:18 services.web.x-millrace.proces: unknown key, did you mean process?'],
  ],
  [
    'x-millrace: {x-y: 1}',
    [
      'c.yaml:4:18 services.web.x-millrace.x-y: unknown key; docs/compose.md lists the keys that are',
    ],
  ],
  [
    'deploy: {x-millrace: {}}',
    [
      'c.yaml:4:14 services.web.deploy.x-millrace: not read here; move it to the service or to the top of the file',
    ],
  ],
  [
    'x-millrace: {process: {command: []}}',
    ['c.yaml:4:37 services.web.x-millrace.process.command: the command is empty'],
  ],
  [
    'x-millrace: {process: {}}',
    ['c.yaml:4:18 services.web.x-millrace.process.command: missing: text or a list of words'],
  ],
  // what holds where hosts cannot hear each other
  [
    'x-millrace: {singleton: strict, on_isolation: stop}',
    [
      'c.yaml:4:37 services.web.x-millrace.on_isolation: has no meaning beside singleton: strict: a strict instance is frozen and ended with its lease, and never has a rival; leave one of the two out',
    ],
  ],
  [
    'x-millrace: {singleton: maybe}',
    ['c.yaml:4:29 services.web.x-millrace.singleton: expected strict or available, got "maybe"'],
  ],
  [
    'x-millrace: {on_isolation: {action: stop, after: 2s}}',
    [
      'c.yaml:4:54 services.web.x-millrace.on_isolation.after: unsafe, at least 3s are needed: a lease lives that long, and a voter that restarts would look like isolation; leave it out for 10s',
    ],
  ],
  [
    'x-millrace: {on_isolation: {action: stop, after: 25h}}',
    [
      'c.yaml:4:54 services.web.x-millrace.on_isolation.after: too long, at most 1d is possible; on_isolation: keep never stops anything',
    ],
  ],
  [
    'x-millrace: {on_isolation: {action: keep, after: 5s}}',
    [
      'c.yaml:4:54 services.web.x-millrace.on_isolation.after: has no meaning here: keep waits for nothing',
    ],
  ],
  [
    'x-millrace: {on_isolation: {action: stop, afer: 5s}}',
    ['c.yaml:4:47 services.web.x-millrace.on_isolation.afer: unknown key, did you mean after?'],
  ],
  [
    'x-millrace: {on_isolation: halt}',
    ['c.yaml:4:32 services.web.x-millrace.on_isolation: expected keep, stop or freeze, got "halt"'],
  ],
  [
    'x-millrace: {on_heal: oldest}',
    [
      'c.yaml:4:27 services.web.x-millrace.on_heal: expected keep_oldest, keep_newest or keep_leader, got "oldest"',
    ],
  ],
  // kinds of value
  [
    'command: {a: 1}',
    ['c.yaml:4:14 services.web.command: expected text or a list of words, got a mapping'],
  ],
  ['command: [a, 1]', ['c.yaml:4:18 services.web.command[1]: expected text, got the number 1']],
  [`command: a "b`, ['c.yaml:4:14 services.web.command: a " is not closed']],
  [
    'deploy: {replicas: 1.5}',
    [
      'c.yaml:4:24 services.web.deploy.replicas: expected a whole number from 0 to 1000, got the number 1.5',
    ],
  ],
  [
    'deploy: {replicas: -1}',
    [
      'c.yaml:4:24 services.web.deploy.replicas: expected a whole number from 0 to 1000, got the number -1',
    ],
  ],
  [
    'deploy: {replicas: "${N}x"}',
    ['c.yaml:4:24 services.web.deploy.replicas: expected a whole number from 0 to 1000, got "2x"'],
  ],
  [
    'deploy: {mode: every}',
    [
      'c.yaml:4:20 services.web.deploy.mode: expected replicated, global, replicated-job or global-job, got "every"',
    ],
  ],
  [
    'deploy: {mode: global, replicas: 2}',
    [
      'c.yaml:4:28 services.web.deploy.replicas: has no meaning here: mode: global means one on every host; remove one of the two',
    ],
  ],
  [
    'scale: 3\n    deploy: {replicas: 2}',
    ['c.yaml:5:14 services.web.deploy.replicas: differs from scale: 3; keep one of the two'],
  ],
  [
    'restart: sometimes',
    [
      'c.yaml:4:14 services.web.restart: expected no, always, unless-stopped or on-failure[:attempts], got "sometimes"',
    ],
  ],
  [
    'restart: false',
    [
      'c.yaml:4:14 services.web.restart: expected no, always, unless-stopped or on-failure[:attempts], got false',
    ],
  ],
  [
    'stop_grace_period: 10',
    [
      'c.yaml:4:24 services.web.stop_grace_period: expected a duration such as 1m30s or 500ms, got the number 10',
    ],
  ],
  [
    'stop_grace_period: 10 s',
    [
      'c.yaml:4:24 services.web.stop_grace_period: expected a duration such as 1m30s or 500ms, got "10 s"',
    ],
  ],
  [
    'stop_grace_period: 5w',
    ['c.yaml:4:24 services.web.stop_grace_period: 5w is too long, at most 24d are possible'],
  ],
  // environment
  [
    'environment: x',
    ['c.yaml:4:18 services.web.environment: expected a mapping or a list of NAME=value, got "x"'],
  ],
  ['environment: {A: [1]}', ['c.yaml:4:22 services.web.environment.A: expected text, got a list']],
  [
    'environment: ["=1"]',
    ['c.yaml:4:19 services.web.environment[0]: "" is no name for a variable'],
  ],
  [
    'environment: {"A B": 1}',
    ['c.yaml:4:26 services.web.environment.A B: "A B" is no name for a variable'],
  ],
  [
    'environment: [GONE]',
    [
      'warning c.yaml:4:19 services.web.environment[0]: GONE is not set here, so the component does not get it',
    ],
  ],
  [
    'environment: {V: 1.10}',
    [
      'warning c.yaml:4:22 services.web.environment.V: 1.10 is a number and is passed on as 1.1; quote it to keep it as it is',
    ],
  ],
  // ports
  [
    'ports: ["80:x"]',
    [`c.yaml:4:13 services.web.ports[0]: expected a port from 1 to 65535, got "x"; ${PORT}`],
  ],
  [
    'ports: ["1:2:3:4"]',
    [`c.yaml:4:13 services.web.ports[0]: expected a port, got "1:2:3:4"; ${PORT}`],
  ],
  [
    'ports: ["0:80"]',
    [`c.yaml:4:13 services.web.ports[0]: expected a port from 1 to 65535, got "0"; ${PORT}`],
  ],
  ['ports: ["a:80:80"]', ['c.yaml:4:13 services.web.ports[0]: expected an IP address, got "a"']],
  ['ports: ["80/sctp"]', ['c.yaml:4:13 services.web.ports[0]: expected tcp or udp, got sctp']],
  [
    'ports: ["80-90:80"]',
    [
      'c.yaml:4:13 services.web.ports[0]: "80-90:80" leaves the port to choose from a range: that is not supported; name one port, or none',
    ],
  ],
  [
    'ports: ["80-90:80-91"]',
    [
      'c.yaml:4:13 services.web.ports[0]: "80-90:80-91" has two ranges of different lengths; make them equal',
    ],
  ],
  [
    'ports: ["90-80"]',
    [`c.yaml:4:13 services.web.ports[0]: the range 90-80 goes backwards; ${PORT}`],
  ],
  [
    'ports: ["1-1001"]',
    ['c.yaml:4:13 services.web.ports[0]: the range 1-1001 is too long, at most 1000 are possible'],
  ],
  [
    'ports: ["80-81:80-81", "81:81"]',
    [
      'warning c.yaml:4:13 services.web.ports[0]: published on the hosts that run it, not on every host; say mode: host in the long form',
      'warning c.yaml:4:28 services.web.ports[1]: port 81/tcp is published twice',
    ],
  ],
  [
    'deploy: {restart_policy: {delay: 2d}}',
    [
      'c.yaml:4:38 services.web.deploy.restart_policy.delay: too long, at most 1d is possible; shorten it',
    ],
  ],
  [
    'deploy: {restart_policy: {condition: never}}',
    [
      'c.yaml:4:42 services.web.deploy.restart_policy.condition: expected none, on-failure or any, got "never"',
    ],
  ],
  [
    'ports: [{published: 1}]',
    ['c.yaml:4:13 services.web.ports[0].target: missing: a whole number from 1 to 65535'],
  ],
  [
    'ports: [{target: 1, mode: vip}]',
    ['c.yaml:4:31 services.web.ports[0].mode: expected host or ingress, got vip'],
  ],
  ['ports: [{target: 80}]', [`warning c.yaml:4:13 services.web.ports[0]: ${INGRESS}`]],
  ['ports: ["80:80"]', [`warning c.yaml:4:13 services.web.ports[0]: ${INGRESS}`]],
  ['ports: [{target: 80, mode: host}]', []],
  [
    'ports: [{target: 1, published: 9, mode: host}, {target: 2, published: 9, mode: host}]',
    ['warning c.yaml:4:52 services.web.ports[1]: port 9/tcp is published twice'],
  ],
  [
    'ports: ["80:80"]\n    scale: 2',
    [
      `warning c.yaml:4:13 services.web.ports[0]: ${INGRESS}`,
      'warning c.yaml:4:13 services.web.ports[0]: port 80 is fixed, so each of the 2 instances needs a host of its own',
    ],
  ],
  // volumes
  [
    'volumes: ["./a:/b"]',
    [
      'c.yaml:4:15 services.web.volumes[0]: the path "./a" is relative: on every host it would be another folder; write the absolute path of a folder that each host has, or use a named volume',
    ],
  ],
  [
    'volumes: [/a]',
    [
      `c.yaml:4:15 services.web.volumes[0]: the volume "/a" has no name: a volume without a name is lost with its instance; ${VOLUME}`,
    ],
  ],
  [
    'volumes: ["a:b"]',
    [`c.yaml:4:15 services.web.volumes[0]: the path inside must begin with /, got "b"; ${VOLUME}`],
  ],
  [
    'volumes: ["/a:/b:z"]',
    ['c.yaml:4:15 services.web.volumes[0]: the volume option "z" is not supported; use ro or rw'],
  ],
  ['volumes: ["/a:/b", "/c:/b"]', ['c.yaml:4:24 services.web.volumes[1]: /b is mounted twice']],
  [
    'volumes: [{type: npipe, target: /t}]',
    [
      'c.yaml:4:22 services.web.volumes[0].type: volumes of type npipe are not supported yet; use volume, bind or tmpfs',
    ],
  ],
  [
    'volumes: ["dat:/d"]\nvolumes: {data: }',
    [
      'c.yaml:4:15 services.web.volumes[0]: there is no volume dat, did you mean data?; add it under volumes at the top: "dat:"',
    ],
  ],
  // healthcheck
  [
    'healthcheck: {test: []}',
    [
      'c.yaml:4:25 services.web.healthcheck.test: the first word must be CMD, CMD-SHELL or NONE, got ""',
    ],
  ],
  [
    'healthcheck: {test: [curl, x]}',
    [
      'c.yaml:4:25 services.web.healthcheck.test: the first word must be CMD, CMD-SHELL or NONE, got "curl"',
    ],
  ],
  [
    'healthcheck: {test: [CMD-SHELL, a, b]}',
    ['c.yaml:4:25 services.web.healthcheck.test: CMD-SHELL wants exactly one line behind it'],
  ],
  [
    'healthcheck: {test: [CMD]}',
    ['c.yaml:4:25 services.web.healthcheck.test: CMD wants words behind it'],
  ],
  [
    'healthcheck: {interval: 1s}',
    [
      'c.yaml:4:18 services.web.healthcheck: missing: test: what an image brings along cannot be changed in part; write test: [CMD, program, …]',
    ],
  ],
  [
    'healthcheck: {disable: true}',
    [
      'warning c.yaml:4:5 services.web.healthcheck: no healthcheck is added: a healthcheck that the image brings along stays on',
    ],
  ],
  [
    'x-millrace: {heartbeat: {tcp: 1}}\n    healthcheck: {test: x, interval: 5s, timeout:, retries: 0, disable: true}',
    ['test', 'interval', 'retries'].map(
      (key, index) =>
        `warning c.yaml:5:${[19, 28, 52][index]} services.web.healthcheck.${key}: ignored: disable: true adds no healthcheck; leave one of the two out`,
    ),
  ],
  [
    'x-millrace: {heartbeat: {tcp: 1}}\n    healthcheck: {test: [NONE], start_period: 5s, disable: false}',
    [
      'warning c.yaml:5:33 services.web.healthcheck.start_period: ignored: test: NONE adds no healthcheck; leave one of the two out',
    ],
  ],
  [
    'x-millrace: {heartbeat: {tcp: 1}}\n    healthcheck: {test: NONE, disable: true}',
    [
      'warning c.yaml:5:19 services.web.healthcheck.test: ignored: disable: true adds no healthcheck; leave one of the two out',
    ],
  ],
  ['x-millrace: {heartbeat: {tcp: 1}}\n    healthcheck: {test: [NONE], disable: true}', []],
  // templates
  [
    'environment: {SLOT: "web-{{.Task.Slot}}", ID: "{{ .Node.ID }}", OWN: "{{.Name}} {{ 7 }}"}',
    [
      'warning c.yaml:4:25 services.web.environment.SLOT: {{.Task.Slot}} is passed on as it is: templates are not filled in; each instance finds its slot in MILLRACE_SLOT',
      'warning c.yaml:4:51 services.web.environment.ID: {{ .Node.ID }} is passed on as it is: templates are not filled in; docs/compose.md says what each instance finds in its environment',
    ],
  ],
  [
    'environment: ["A={{index .Service.Labels `a`}}", "B={{.Service.Name}}"]',
    [
      'warning c.yaml:4:19 services.web.environment[0]: {{index .Service.Labels `a`}} is passed on as it is: templates are not filled in; docs/compose.md says what each instance finds in its environment',
      'warning c.yaml:4:54 services.web.environment[1]: {{.Service.Name}} is passed on as it is: templates are not filled in; each instance finds its stack and service in MILLRACE_COMPONENT',
    ],
  ],
  // variables
  [
    'command: $GONE $GONE ${EMPTY}\n    entrypoint: $GONE',
    ['warning c.yaml:4:14 services.web.command: the variable GONE is not set, it counts as empty'],
  ],
  [
    'command: [a, "${GONE:?say which}"]',
    [
      'c.yaml:4:18 services.web.command[1]: the variable GONE must have a value: say which; set GONE in the environment or in .env',
    ],
  ],
  [
    'command: a ${',
    [
      'c.yaml:4:14 services.web.command: invalid variable ${: the closing brace is missing; write $$ for a dollar sign that is meant',
    ],
  ],
])('service: %s', (lines, wanted) => {
  expect(told(web(lines))).toEqual(wanted);
});
