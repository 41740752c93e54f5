/** The files of a component as its instance finds them: configs as they are, secrets opened. */
import type { ClusterId } from '../../protocol/base/ids.ts';
import type { FileSpec, SecretFile } from '../../protocol/component/file.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import { EngineError, type InstanceFile } from '../engine/engine.ts';
import type { Keyring } from './keyring.ts';
import { open } from './seal.ts';

/** `component`: as `STACK.COMPONENT`. */
export type OpenFiles = (
  component: string,
  spec: ComponentSpec,
  signal: AbortSignal,
) => Promise<readonly InstanceFile[]>;

/** What it rejects with says why, and never what is in a file. */
export const openFiles =
  (cluster: ClusterId, keyring: Pick<Keyring, 'find'>): OpenFiles =>
  async (component, spec, signal) => {
    const { files = [], dataKey } = spec;
    const stack = component.slice(0, component.indexOf('.'));
    const secret = files.find(({ kind }) => kind === 'secret');
    const key =
      secret === undefined || dataKey === undefined
        ? undefined
        : await keyring.find(stack, dataKey, signal);
    return files.map((file): InstanceFile => {
      const { target, uid, gid, mode } = file;
      const at = { target, uid, gid, mode };
      if (file.kind === 'config') return { ...at, bytes: Buffer.from(file.content, 'base64') };
      if (key === undefined) throw noKey(file);
      const about = { cluster, stack, name: file.name };
      const bytes = file.seal && open(file.seal.sealed, key, about);
      if (bytes === undefined) throw spoiled(file);
      return { ...at, bytes };
    });
  };

function noKey({ name }: FileSpec): EngineError {
  const why = `waits for the key of secret ${name}: no member that has it answers`;
  return new EngineError('failed', `${why}; if none has it any more, deploy its stack once more`);
}

function spoiled({ name }: SecretFile): EngineError {
  const why = `the secret ${name} cannot be opened: it is not as it was sealed`;
  return new EngineError('failed', `${why}; deploy its stack once more`, { permanent: true });
}
