/** What is mounted into an instance and outlives it. */

export type Volume =
  | {
      readonly kind: 'named';
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** Absent: made by the engine's own driver, named after its stack. */
      readonly made?: VolumeMaking;
      /** A new one stays empty, whatever the image has there. */
      readonly noCopy?: boolean;
      /** A folder in it, in place of its root. */
      readonly subpath?: string;
    }
  | {
      readonly kind: 'bind';
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly propagation?: Propagation;
      /** The folder is made where it is missing. */
      readonly createsPath?: boolean;
    };

export type VolumeMaking = {
  /** As the engine calls it. */
  readonly name?: string;
  /** A user has made it. */
  readonly external?: boolean;
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>>;
};

export const PROPAGATIONS = [
  'private',
  'rprivate',
  'shared',
  'rshared',
  'slave',
  'rslave',
] as const;
export type Propagation = (typeof PROPAGATIONS)[number];

/** What the kernel mounts from elsewhere: every host finds the same in it. */
const OF_THE_NETWORK = new Set(['nfs', 'nfs4', 'cifs', 'smb3', 'ceph', 'glusterfs', '9p']);

/** Its data is on one host, and stays there when its slot moves. */
export function staysBehind(volume: Volume): boolean {
  if (volume.kind !== 'named') return false;
  const { driver = 'local', options = {} } = volume.made ?? {};
  return driver === 'local' && !OF_THE_NETWORK.has(options['type'] ?? '');
}
