/**
 * Several hosts on this machine, light: each a network namespace with an address of its own on one
 * bridge, which lies in a namespace too, so that nothing of it is seen on the machine itself.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export type Site = {
  /** Its host name, and what agents call it. */
  readonly name: string;
  readonly address: string;
  /** To be given to `nsenter --net=`; `ip netns exec` would hide the cgroups. */
  readonly netns: string;
  readonly folder: string;
};
export type Lan = { readonly sites: readonly Site[] };

const PREFIX = 'mrb';
const BRIDGE_SPACE = `${PREFIX}-lan`;
const BRIDGE = 'br-lan';

/** `folder` holds what the hosts keep. A former one that was not closed is removed first. */
export function openLan(folder: string, count: number): Lan {
  const sites = Array.from({ length: count }, (_, index): Site => {
    const name = `h${index + 1}`;
    const netns = `/run/netns/${PREFIX}-${name}`;
    return { name, address: `10.77.0.${index + 1}`, netns, folder: join(folder, name) };
  });
  const lan = { sites };
  closeLan(lan);
  ip('netns', 'add', BRIDGE_SPACE);
  inside(BRIDGE_SPACE, 'link', 'add', BRIDGE, 'type', 'bridge');
  inside(BRIDGE_SPACE, 'link', 'set', BRIDGE, 'up');
  for (const site of sites) {
    mkdirSync(site.folder, { recursive: true });
    const space = spaceOf(site);
    ip('netns', 'add', space);
    ip(
      'link',
      'add',
      'eth0',
      'netns',
      space,
      'type',
      'veth',
      'peer',
      site.name,
      'netns',
      BRIDGE_SPACE,
    );
    inside(BRIDGE_SPACE, 'link', 'set', site.name, 'master', BRIDGE);
    inside(BRIDGE_SPACE, 'link', 'set', site.name, 'up');
    inside(space, 'addr', 'add', `${site.address}/24`, 'dev', 'eth0');
    inside(space, 'link', 'set', 'lo', 'up');
    connect(site);
  }
  return lan;
}

/** The cable is pulled: nobody hears of this host any more, nor it of anybody. */
export const cut = (site: Site): void => inside(spaceOf(site), 'link', 'set', 'eth0', 'down');

/** The cable is in again; routes have gone with the link. */
export function connect(site: Site): void {
  inside(spaceOf(site), 'link', 'set', 'eth0', 'up');
  inside(spaceOf(site), 'route', 'replace', '224.0.0.0/4', 'dev', 'eth0');
}

export function closeLan({ sites }: Lan): void {
  const there = new Set(
    ip('netns', 'list')
      .split('\n')
      .map((line) => line.split(' ')[0]),
  );
  for (const space of [...sites.map(spaceOf), BRIDGE_SPACE])
    if (there.has(space)) ip('netns', 'del', space);
}

const spaceOf = ({ name }: Site): string => `${PREFIX}-${name}`;
const ip = (...words: readonly string[]): string => execFileSync('ip', words, { encoding: 'utf8' });
const inside = (space: string, ...words: readonly string[]): void => void ip('-n', space, ...words);
