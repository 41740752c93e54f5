/** L13 What depends on another with `restart: true` has been told where that one really runs. */
import { type ComponentId, componentId, stackOf } from '../../../protocol/base/ids.ts';
import type { Observed } from '../../../protocol/input.ts';
import { running } from '../../engine/engine.ts';
import { addressOf, type Host } from '../../host.ts';
import type { Calm, Participant } from './owed.ts';
import type { Part } from './seats.ts';

/** What it was told instead, in words; undefined: something of it is true, or there is nothing to tell. */
export function misled(
  { world, team }: Calm,
  one: Participant,
  { component, spec }: Part,
  { addresses }: Observed,
): string | undefined {
  // Made before it depended on anything: its spec is another one.
  if (addresses === undefined || spec.job !== undefined) return undefined;
  for (const { on, condition, restart } of spec.dependsOn) {
    if (!restart || condition === 'completed') continue;
    const id = componentId(stackOf(component), on);
    const all = world.hosts.flatMap((host) => placesOn(host, id, host === one.host));
    const owed = team.flatMap(({ host }) => placesOn(host, id, host === one.host));
    for (const { name, address } of owed) {
      const told = addresses
        .filter((port) => port.on === on && `${port.target}/${port.protocol}` === name)
        .flatMap(({ at }) => at);
      const isTrue = all.some((each) => each.name === name && told.includes(each.address));
      if (!isTrue) return `${told.join(', ') || 'nothing'} of ${on}, which is at ${address}`;
    }
  }
  return undefined;
}

type Place = { readonly name: string; readonly address: string };

/** Of what runs there in truth, each port, and where it is reached. */
const placesOn = (host: Host, component: ComponentId, isBeside: boolean): readonly Place[] =>
  running(host.engine)
    .filter((instance) => instance.component === component)
    .flatMap(({ ports }) => ports)
    .flatMap(({ target, protocol = 'tcp', address, published }): readonly Place[] => {
      const name = `${target}/${protocol}`;
      if (address !== '0.0.0.0')
        return isBeside ? [{ name, address: `${address}:${published}` }] : [];
      return [{ name, address: `${addressOf(host.index)}:${published}` }];
    });
