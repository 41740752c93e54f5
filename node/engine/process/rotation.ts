/** Looks at the logs of all instances, one after the other, and rotates what has outgrown its bound. */
import { idOf, type Instance, isRunning } from './instance.ts';
import { rotateLog } from './log-file.ts';

export interface Rotation {
  /** One look, unless one is under way. */
  begin(): void;
  /** Resolves once none is under way; none begins after that. */
  end(): Promise<void>;
}

export function createRotation(
  instances: ReadonlyMap<string, Instance>,
  warn: (line: string) => void,
): Rotation {
  let underWay: Promise<void> | undefined;
  let isOver = false;

  async function rotateAll(): Promise<void> {
    for (const instance of instances.values()) {
      if (!isRunning(instance) || isOver) continue;
      await rotateLog(instance.folder).catch((error: unknown) => {
        // Removed in this moment: nothing is left to rotate.
        if (!instances.has(idOf(instance.record))) return;
        warn(`the log of ${instance.token} was not rotated: ${String(error)}`);
      });
    }
  }

  return {
    begin() {
      if (isOver) return;
      underWay ??= rotateAll().finally(() => {
        underWay = undefined;
      });
    },
    async end() {
      isOver = true;
      await underWay;
    },
  };
}
