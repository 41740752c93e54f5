/** Files that an instance finds when it starts. They come with its spec, so that every host has them. */

/** Read only. */
export type FileSpec = ConfigFile | SecretFile;

export type ConfigFile = Placed & {
  readonly kind: 'config';
  /** What is in it, in base64. */
  readonly content: string;
};

export type SecretFile = Placed & {
  readonly kind: 'secret';
  /** Absent: on its way to the agent that seals it. */
  readonly seal?: Seal;
};

type Placed = {
  /** As its stack calls it. */
  readonly name: string;
  /** Absolute, and without `.` and `..`; no two of one component have the same. */
  readonly target: string;
  /** Of its owner, as the instance counts users. */
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
};

/** What is in a secret, for those who have the data key of its stack. */
export type Seal = {
  /** Equal for equal contents of one secret, however often it is sealed; 32 hexadecimal characters. */
  readonly fingerprint: string;
  /** In base64. */
  readonly sealed: string;
};

/** With which the secrets of a stack are sealed. */
export type DataKey = {
  /** Follows from the key: who is given one sees whether it is this. 32 hexadecimal characters. */
  readonly id: string;
  /** Of the members at that time: while they are the same it need not be another. */
  readonly among: string;
  /** The public half, made for this, of whoever wrapped it; in base64. */
  readonly sender: string;
  /** The key as only that host can read it, in base64; by host. Others ask for it. */
  readonly wraps: Readonly<Record<string, string>>;
};

/** Of all files of one component together. */
export const filesBytes = (files: readonly FileSpec[]): number =>
  files.reduce((sum, file) => sum + bytesOf(contentOf(file)), 0);

const contentOf = (file: FileSpec): string =>
  file.kind === 'config' ? file.content : (file.seal?.sealed ?? '');

/** How many bytes a text in base64 stands for. */
function bytesOf(content: string): number {
  const padding = content.endsWith('==') ? 2 : content.endsWith('=') ? 1 : 0;
  return (content.length / 4) * 3 - padding;
}
