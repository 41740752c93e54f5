/**
 * Which ports are published: mostly without a number, now and then one from among those that are chosen,
 * so that slots have to give them up.
 */
import type { ComponentSpec, Port } from '../protocol/component/spec.ts';
import { below, happens, pick, type Stream } from './choice.ts';
import { CONFIG } from './options.ts';

const PLAIN: Port = { target: 80, protocol: 'tcp' };
const OTHERS: readonly Port[] = [
  { target: 53, protocol: 'udp' },
  { target: 80, protocol: 'tcp', address: '127.0.0.1' },
];

/** `stack`: its number among all there are. What a component fixes no other one does. */
export function drawPorts(
  draw: Stream,
  components: readonly ComponentSpec[],
  { stack, permille }: { readonly stack: number; readonly permille: number | undefined },
): readonly ComponentSpec[] {
  if (permille === undefined) return components;
  return components.map((spec) => {
    const rank = NAMES.length * stack + NAMES.indexOf(spec.name);
    return happens(draw, permille) ? { ...spec, ports: drawList(draw, rank) } : spec;
  });
}
const NAMES = ['db', 'web', 'load'];
/** Of three stacks; and how many numbers of the range each of them may fix. */
const COMPONENTS = 9;
const ROUNDS = 3;

function drawList(draw: Stream, rank: number): readonly Port[] {
  const [isOpen, isFixed, isMore] = [happens(draw, 700), happens(draw, 400), happens(draw, 300)];
  const published = CONFIG.portFirst + COMPONENTS * below(draw, ROUNDS) + rank;
  return [
    ...(isOpen ? [PLAIN] : []),
    ...(isOpen && isMore ? [pick(draw, OTHERS)] : []),
    ...(isFixed ? [{ ...PLAIN, target: 90, published }] : []),
  ];
}
