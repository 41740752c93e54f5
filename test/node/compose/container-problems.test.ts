/** What a user reads about how a container is to be made, and about its networks. */
import { expect, it } from 'vitest';
import { told, web } from './told.ts';

it.each([
  ['labels: {a: []}', ['c.yaml:4:17 services.web.labels.a: expected text, got a list']],
  [
    'volumes: [{type: tmpfs, target: t}]',
    ['c.yaml:4:15 services.web.volumes[0]: the path inside must begin with /, got "t"'],
  ],
  [
    'volumes: [{type: tmpfs, target: /t, tmpfs: {mode: rwx}}]',
    ['c.yaml:4:55 services.web.volumes[0].tmpfs.mode: expected a mode such as 0700, got "rwx"'],
  ],
  [
    'volumes: [{type: bind, source: /a, target: /b, bind: {propagation: up}}]',
    [
      'c.yaml:4:72 services.web.volumes[0].bind.propagation: expected one of private, rprivate, shared, rshared, slave, rslave, got "up"',
    ],
  ],
  [
    'labels: {io.millrace.host: h1}',
    [
      'c.yaml:4:32 services.web.labels.io.millrace.host: labels that begin with io.millrace. are ours; choose another name',
    ],
  ],
  [
    'cap_add: [NET ADMIN]',
    ['c.yaml:4:14 services.web.cap_add: expected names of capabilities such as NET_ADMIN'],
  ],
  [
    'devices: [/dev/a:/dev/b:rx]',
    [
      'c.yaml:4:15 services.web.devices[0]: expected a device, got "/dev/a:/dev/b:rx"; write /dev/NAME[:/dev/INSIDE[:rwm]]',
    ],
  ],
  [
    'devices: [nvidia.com/gpu=all]',
    [
      'c.yaml:4:15 services.web.devices[0]: "nvidia.com/gpu=all" is no path of a device; write /dev/NAME[:/dev/INSIDE[:rwm]]',
    ],
  ],
  [
    'tmpfs: run',
    [
      'c.yaml:4:12 services.web.tmpfs: the path inside must begin with /, got "run"; write /path/inside[:size=64m,mode=1777]',
    ],
  ],
  [
    'shm_size: 64 parsecs',
    ['c.yaml:4:15 services.web.shm_size: expected a size such as 64m or 1gb, got "64 parsecs"'],
  ],
  [
    'ulimits: {nofile: {soft: 1}}',
    [
      'c.yaml:4:15 services.web.ulimits.nofile.hard: missing: a whole number from -1 to 9007199254740991',
    ],
  ],
  [
    'pid: service:db',
    ['c.yaml:4:10 services.web.pid: "service:db" is not supported: no two instances share one'],
  ],
  [
    'extra_hosts: [db]',
    ['c.yaml:4:19 services.web.extra_hosts[0]: expected NAME=ADDRESS, got "db"'],
  ],
  [
    'network_mode: service:db',
    [
      'c.yaml:4:19 services.web.network_mode: expected host, none or bridge, got "service:db": instances share nothing with each other, wherever they run; name a network under networks',
    ],
  ],
  [
    'network_mode: host\n    ports: [80]',
    [
      'c.yaml:5:5 services.web.ports: has no meaning beside network_mode: host; leave one of the two out',
    ],
  ],
  [
    'hostname: "{{.Node.Hostname}}"',
    ['c.yaml:4:15 services.web.hostname: expected the name of a host; templates are not filled in'],
  ],
  [
    'security_opt: [no-new-privileges:true, seccomp:unconfined, seccomp=builtin, apparmor=p, label:disable]',
    [],
  ],
  [`security_opt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']`, []],
  ...['seccomp:./profile.json', 'seccomp=/etc/profile.json'].map((option): [string, string[]] => [
    `security_opt: [no-new-privileges, "${option}"]`,
    [
      `c.yaml:4:39 services.web.security_opt[1]: "${option}" is not supported: the file of a profile is not read; write what is in it behind seccomp=, or use builtin or unconfined`,
    ],
  ]),
  [
    'security_opt: [systempaths=unconfined]',
    [
      'c.yaml:4:20 services.web.security_opt[0]: "systempaths=unconfined" is not supported: which paths of the kernel are hidden cannot be chosen; leave it out',
    ],
  ],
  [
    'networks: [bakc]',
    [
      'c.yaml:4:16 services.web.networks.bakc: there is no network bakc; add it under networks at the top: "bakc:"',
    ],
  ],
  [
    'networks: {default: {ipv4_address: here}}',
    ['c.yaml:4:40 services.web.networks.default.ipv4_address: expected an IP address of version 4'],
  ],
])('service: %s', (lines, wanted) => {
  expect(told(web(lines))).toEqual(wanted);
});

it.each([
  ['driver', 'bridge'],
  ['internal', 'true'],
  ['enable_ipv6', 'true'],
  ['ipam', '{config: [{subnet: 10.0.0.0/8}]}'],
])('an external network is made elsewhere, %s and all', (key, value) => {
  const text = (external: boolean): string =>
    `networks: {a: {external: ${external}, ${key}: ${value}}}\nservices: {web: {image: i}}\n`;
  const place = `c.yaml:1:${34 + key.length} networks.a.${key}`;
  const why = 'whoever has made it has said that; leave one of the two out';
  expect(told(text(true))).toEqual([`${place}: has no meaning beside external: ${why}`]);
  expect(told(text(false))).toEqual([]);
});

it('an external network may say again what is so anyway', () => {
  const made = 'external: true, name: b, internal: false, ipam: {}';
  expect(told(`networks: {a: {${made}}}\nservices: {web: {image: i}}\n`)).toEqual([]);
});

it.each([
  ['type: bind, source: /a, volume: {nocopy: true}', 'volume', 'bind'],
  ['type: bind, source: /a, tmpfs: {size: 1m}', 'tmpfs', 'bind'],
  ['type: volume, source: d, bind: {create_host_path: true}', 'bind', 'volume'],
  ['type: tmpfs, source: /a', 'source', 'tmpfs'],
  ['type: tmpfs, bind: {propagation: shared}', 'bind', 'tmpfs'],
])('what is said of a volume of another type: %s', (written, key, type) => {
  const text = web(`volumes: [{target: /t, ${written}}]`);
  const column = text.split('\n')[3]?.search(new RegExp(`\\b${key}: [/{]`)) ?? 0;
  // A place in the line is told of what stands behind the key.
  const at = `c.yaml:4:${column + key.length + 3} services.web.volumes[0].${key}`;
  const message = `has no meaning for a volume of type ${type}; remove it, or correct the type`;
  expect(told(`${text}volumes: {d: }\n`)).toEqual([`${at}: ${message}`]);
});

it('nothing asked of a volume of another type is worth no word', () => {
  const bind = '{type: bind, source: /a, target: /t, volume: {nocopy: false}, tmpfs: {}}';
  expect(told(web(`volumes: [${bind}]`))).toEqual([]);
});
