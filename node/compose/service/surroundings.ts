/** What a service is read among. */
import type { VolumeMaking } from '../../../protocol/component/volume.ts';
import type { FileDefinition, FileKind } from '../files.ts';
import type { NetworkDefinition } from '../networks.ts';
import type { Typed } from '../numbers.ts';
import type { Finding, Path, Problem } from '../problems.ts';
import type { Spot } from '../read/tree.ts';
import type { BuildSource } from './build.ts';
import type { IsolationField } from './contract.ts';

export type Surroundings = {
  /** The name of the stack. */
  readonly stack: string;
  /** By the names that services call them. */
  readonly networks: ReadonlyMap<string, NetworkDefinition>;
  readonly volumes: ReadonlyMap<string, VolumeMaking>;
  readonly files: Readonly<Record<FileKind, ReadonlyMap<string, FileDefinition>>>;
  /** What is in secrets that services name, by the names of the secrets. */
  readonly contents: Map<string, Uint8Array>;
  /** What images are built from, by the names of the services. */
  readonly builds: Map<string, BuildSource>;
  /** Where a path is written, and with it its folder and its variables. */
  readonly spotOf: (path: Path) => Spot;
  readonly typed: Typed;
  /** Services that another one waits for to complete. */
  readonly awaited: ReadonlySet<string>;
  /** `x-millrace.on_isolation` at the top of the file. */
  readonly onIsolation: IsolationField | undefined;
  readonly errors: Finding[];
  readonly warnings: Finding[];
  /** Of other files, such as those of variables. */
  readonly problems: Problem[];
  readonly otherWarnings: Problem[];
};
