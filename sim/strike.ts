/**
 * One fault: what befalls whom, for how long. Random storms, scenario files and tapes all speak of
 * faults in these words; `faults/perform.ts` alone knows how each is done.
 */
import type { Change } from '../protocol/command/adjusts.ts';
import type { Message } from '../protocol/wire/message.ts';
import type { Meddling } from './engine/meddler.ts';

/** By index; host 0 is `h1`. */
export type HostIndex = number;
/** One direction of one link: [from, to]. */
export type Way = readonly [HostIndex, HostIndex];

export type Strike =
  /** Nothing passes these ways; connections over them break sooner or later. */
  | { readonly kind: 'cut'; readonly ways: readonly Way[]; readonly forMs: number }
  /** What is sent these ways is held, and arrives all at once in the end. */
  | { readonly kind: 'clog'; readonly ways: readonly Way[]; readonly forMs: number }
  /** So many of a thousand messages (of one kind, or all) are lost these ways. */
  | {
      readonly kind: 'lossy';
      readonly ways: readonly Way[];
      readonly forMs: number;
      readonly permille: number;
      readonly only?: Message['kind'];
    }
  /** The connection of two hosts breaks: what is under way in it is lost, both ways. */
  | { readonly kind: 'reset'; readonly a: HostIndex; readonly b: HostIndex }
  /** The agent's process dies, and is started again after `forMs`. */
  | { readonly kind: 'crash'; readonly host: HostIndex; readonly forMs: number }
  /**
   * The agent is replaced by another build: ended and started at once, `forMs` apart. `clean`: it is asked
   * to end and may give away what it leads; else it is killed.
   */
  | {
      readonly kind: 'upgrade';
      readonly host: HostIndex;
      readonly forMs: number;
      readonly clean: boolean;
    }
  /** A user asks this agent that `to` shall lead a key; which one, counted among those wanted. */
  | {
      readonly kind: 'lead';
      readonly host: HostIndex;
      readonly nth: number;
      readonly to: HostIndex;
      readonly force: boolean;
    }
  /** The agent is asked to end for good, and says so; somebody starts it again after `forMs`. */
  | { readonly kind: 'stop'; readonly host: HostIndex; readonly forMs: number }
  /**
   * The machine reboots: its agent says so, its instances run on for a moment, then all is gone; it boots
   * after `forMs`.
   */
  | { readonly kind: 'reboot'; readonly host: HostIndex; readonly forMs: number }
  /** A user tells this host to leave the cluster. */
  | { readonly kind: 'leave'; readonly host: HostIndex }
  /** A user asks this agent that another host, which does not come back, be forgotten. */
  | { readonly kind: 'forget'; readonly host: HostIndex; readonly of: HostIndex }
  /** A user asks this agent to cordon, drain or uncordon a host, or to label it. */
  | {
      readonly kind: 'adjust';
      readonly host: HostIndex;
      readonly of: HostIndex;
      readonly change: Change;
    }
  /** A user makes this host the only voter, by force. */
  | { readonly kind: 'force'; readonly host: HostIndex; readonly forceId: number }
  /** The machine is gone with all that runs on it, and boots after `forMs`. */
  | { readonly kind: 'lose'; readonly host: HostIndex; readonly forMs: number }
  /** The agent stands still; its kernel answers and keeps what arrives. */
  | { readonly kind: 'pause'; readonly host: HostIndex; readonly forMs: number }
  /** The machine sleeps: silence, and time goes on. */
  | { readonly kind: 'suspend'; readonly host: HostIndex; readonly forMs: number }
  /** The event loop is late: each step waits up to `lagMs`. */
  | {
      readonly kind: 'lag';
      readonly host: HostIndex;
      readonly forMs: number;
      readonly lagMs: number;
    }
  /** The disk is slow, its next fsync fails (the agent ends, as it must), it is full, or the folder is lost. */
  | {
      readonly kind: 'disk';
      readonly host: HostIndex;
      readonly forMs: number;
      readonly fault: 'slow' | 'error' | 'full' | 'lost';
    }
  /** A running instance ends by itself, or turns unhealthy; which one, counted among those running. */
  | {
      readonly kind: 'exit';
      readonly host: HostIndex;
      readonly nth: number;
      readonly how: 'exit' | 'unhealthy';
    }
  /**
   * Someone changes a running instance behind the agent's back, has it stand still, ends or removes it;
   * which one, counted among those running. `eachChanged`: changes every one that starts within `forMs`.
   */
  | {
      readonly kind: 'drift';
      readonly host: HostIndex;
      readonly nth: number;
      readonly how: Meddling | 'eachChanged';
      readonly forMs: number;
    }
  /** Every instance that starts on the host ends soon after. */
  | { readonly kind: 'crashLoop'; readonly host: HostIndex; readonly forMs: number }
  /** The engine answers nothing, and does later what it was asked. */
  | { readonly kind: 'engineHang'; readonly host: HostIndex; readonly forMs: number }
  /** The guard dies, hangs, or is slow to answer; its service manager brings it back in time. */
  | {
      readonly kind: 'guard';
      readonly host: HostIndex;
      readonly forMs: number;
      readonly fault: 'dies' | 'hangs' | 'slow';
    }
  /** The engine's daemon restarts; `instances` say whether they survive it. */
  | {
      readonly kind: 'engineRestart';
      readonly host: HostIndex;
      readonly forMs: number;
      readonly instances: 'survive' | 'die';
    };
