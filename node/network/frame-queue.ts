/** Frames waiting for one peer on one lane. Full, it drops the oldest: what is new is worth more. */
import type { LaneLimits } from './limits.ts';

export interface FrameQueue {
  /** Returns how many frames were dropped for it. */
  push(frame: Uint8Array): number;
  shift(): Uint8Array | undefined;
  readonly length: number;
  readonly bytes: number;
}

export function createFrameQueue(limits: LaneLimits): FrameQueue {
  const frames: Uint8Array[] = [];
  let bytes = 0;
  const shift = (): Uint8Array | undefined => {
    const frame = frames.shift();
    bytes -= frame?.byteLength ?? 0;
    return frame;
  };
  return {
    push(frame) {
      frames.push(frame);
      bytes += frame.byteLength;
      let dropped = 0;
      while (frames.length > limits.framesMax || bytes > limits.bytesMax) {
        shift();
        dropped += 1;
      }
      return dropped;
    },
    shift,
    get length() {
      return frames.length;
    },
    get bytes() {
      return bytes;
    },
  };
}
