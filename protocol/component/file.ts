/** Files that an instance finds when it starts. They come with its spec, so that every host has them. */

/** Read only. */
export type FileSpec = {
  readonly kind: 'config';
  /** As its stack calls it. */
  readonly name: string;
  /** Absolute, and without `.` and `..`; no two of one component have the same. */
  readonly target: string;
  /** Of its owner, as the instance counts users. */
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** What is in it, in base64. */
  readonly content: string;
};

/** Of all files of one component together. */
export const filesBytes = (files: readonly FileSpec[]): number =>
  files.reduce((sum, { content }) => sum + bytesOf(content), 0);

/** How many bytes a text in base64 stands for. */
function bytesOf(content: string): number {
  const padding = content.endsWith('==') ? 2 : content.endsWith('=') ? 1 : 0;
  return (content.length / 4) * 3 - padding;
}
