/** What keeps containers running on several hosts: ours, or one to compare with. */
import type { Site } from './lan.ts';

/** What instances are on: the bridge that each engine has anyway, or what a compose file gives its services. */
export type Net = 'bridge' | 'own';

export interface System {
  readonly name: string;
  /**
   * Asks for so many instances of the sleeper, all marked; resolves when that is accepted. Without a net it
   * does as it does by default: ours gives them one of their own, Swarm the bridge.
   */
  deploy(replicas: number, net?: Net): Promise<void>;
  destroy(): Promise<void>;
  /** The host that decides what becomes of a lost instance. */
  readonly leader: () => Promise<Site>;
  /** Every host knows every other to be well, and somebody leads. */
  isWell(): Promise<boolean>;
  /** The process that it costs on this host. */
  pidOn(site: Site): number;
  /** Forgets which hosts were lost before. */
  renew(): Promise<void>;
  close(): Promise<void>;
}
