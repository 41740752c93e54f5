/** L10 What has ended for its agent does not run any more, whoever has started it again. */
import { isAlive } from '../../engine/instance.ts';
import { seatName } from '../../engine/engine.ts';
import type { Calm, Owed } from './owed.ts';

export const ghosts = (calm: Calm): readonly Owed[] =>
  calm.team.flatMap(({ host, core }) =>
    [...host.engine.instances.values()].filter(isAlive).flatMap(({ observed }): readonly Owed[] => {
      const { engineId, component, slot } = observed;
      const known = core.slots.byEngineId.get(engineId)?.instances.get(engineId);
      if (known?.ended === undefined) return [];
      const about = `${seatName(component, slot)} as ${engineId}`;
      return [
        { rule: 'L10', about, text: `${about} runs on ${host.id}, which takes it for ended` },
      ];
    }),
  );
