/**
 * Seals the secrets of a stack that a user deploys. What is the same as in the stack that it replaces
 * stays sealed as it is, so that the same deploy once more changes nothing; unless the members are others
 * since, for then what is sealed from now on must be readable by the new ones and not by those that have
 * gone.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { HostId } from '../../protocol/base/ids.ts';
import type { DataKey, FileSpec, Seal, SecretFile } from '../../protocol/component/file.ts';
import type { ComponentSpec, StackSpec } from '../../protocol/component/spec.ts';
import { WRAPS_MAX } from '../../protocol/limits.ts';
import type { Credentials } from '../token.ts';
import { fingerprintOf, seal } from './seal.ts';
import { KEY_BYTES, type Recipient, wrapKey } from './wrap.ts';

export type SealingScene = {
  readonly credentials: Credentials;
  readonly members: readonly Recipient[];
  /** They have the records; the key is wrapped for them before others. */
  readonly voters: readonly HostId[];
  /** The stack as it is now, if there is one. */
  readonly current: StackSpec | undefined;
  readonly keyOf: (stack: string, dataKey: DataKey) => Uint8Array | undefined;
};

export type Sealed = {
  readonly stack: StackSpec;
  /** To be kept before the stack is deployed; undefined: nothing was sealed with it. */
  readonly key?: { readonly id: string; readonly bytes: Uint8Array };
};

/** A secret whose content nobody has given. */
export class NothingToSeal extends Error {
  override readonly name = 'NothingToSeal';
}

/** `contents`: by name; of what is sealed already none is needed. */
export function sealStack(
  stack: StackSpec,
  contents: ReadonlyMap<string, Uint8Array>,
  scene: SealingScene,
): Sealed {
  if (!stack.components.some((component) => component.files?.some(isUnsealed))) return { stack };
  const { dataKey, bytes, known } = keyFor(stack.name, scene);
  const seals = new Map<string, Seal>();
  const sealOf = (name: string): Seal => {
    const done = seals.get(name);
    if (done !== undefined) return done;
    const content = contents.get(name);
    if (content === undefined) throw new NothingToSeal(`of the secret ${name} no content is given`);
    const about = { cluster: scene.credentials.cluster, stack: stack.name, name };
    const fingerprint = fingerprintOf(content, scene.credentials, about);
    const before = known.get(name);
    const same = before?.fingerprint === fingerprint ? before : undefined;
    const made = same ?? { fingerprint, sealed: seal(content, bytes, about) };
    seals.set(name, made);
    return made;
  };
  const sealFile = (file: FileSpec): FileSpec =>
    isUnsealed(file) ? { ...file, seal: sealOf(file.name) } : file;
  const components = stack.components.map((component): ComponentSpec => {
    const { files } = component;
    if (files === undefined || !files.some(isUnsealed)) return component;
    return { ...component, files: files.map(sealFile), dataKey };
  });
  return { stack: { ...stack, components }, key: { id: dataKey.id, bytes } };
}

const isUnsealed = (file: FileSpec): file is SecretFile =>
  file.kind === 'secret' && file.seal === undefined;

type StackKey = {
  readonly dataKey: DataKey;
  readonly bytes: Uint8Array;
  /** What is sealed with it already, by name. */
  readonly known: ReadonlyMap<string, Seal>;
};

function keyFor(stack: string, scene: SealingScene): StackKey {
  const { credentials, members, voters, current, keyOf } = scene;
  const among = amongOf(members);
  for (const { dataKey } of current?.components ?? []) {
    if (dataKey === undefined || dataKey.among !== among) continue;
    const bytes = keyOf(stack, dataKey);
    if (bytes !== undefined) return { dataKey, bytes, known: sealsOf(current, dataKey.id) };
  }
  const bytes = randomBytes(KEY_BYTES);
  const isVoter = ({ host }: Recipient): boolean => voters.includes(host);
  const first = [...members.filter(isVoter), ...members.filter((one) => !isVoter(one))];
  const wrapped = wrapKey(bytes, first.slice(0, WRAPS_MAX), wrapAbout(credentials, stack));
  return { dataKey: { ...wrapped, among }, bytes, known: new Map() };
}

/** What wraps of a stack's key are bound to. */
export const wrapAbout = ({ cluster }: Pick<Credentials, 'cluster'>, stack: string): string =>
  `${cluster}\0${stack}`;

function amongOf(members: readonly Recipient[]): string {
  const hosts = members.map(({ host }) => host).toSorted();
  return createHash('sha256').update(hosts.join('\n')).digest('hex').slice(0, 16);
}

function sealsOf(stack: StackSpec | undefined, id: string): ReadonlyMap<string, Seal> {
  const seals = new Map<string, Seal>();
  for (const { files = [], dataKey } of stack?.components ?? [])
    for (const file of dataKey?.id === id ? files : [])
      if (file.kind === 'secret' && file.seal !== undefined) seals.set(file.name, file.seal);
  return seals;
}
