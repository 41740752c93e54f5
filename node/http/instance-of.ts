import type { InstanceView } from '../../protocol/view/view.ts';
import type { Agent } from '../agent.ts';
import { ApiRefusal } from './refusal.ts';

/** By its full id, as this agent knows it; throws where it knows of none. */
export function instanceOf(agent: Agent, id: string): InstanceView {
  for (const stack of agent.view().stacks)
    for (const component of stack.components)
      for (const { instance } of component.slots) if (instance?.id === id) return instance;
  throw ApiRefusal.noSuch('instance', id);
}
