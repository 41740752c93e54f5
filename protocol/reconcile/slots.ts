/** What the core uses of this folder: the table, what may happen to it, and the step that acts. */
export {
  onDrifted,
  onExited,
  onFrozen,
  onHealth,
  onListed,
  onRefused,
  onRemoved,
  onRestartCommand,
  onStarted,
} from './events.ts';
export { reconcile } from './reconcile.ts';
export {
  createSlots,
  type DesiredSlot,
  hasBeenHere,
  hasLife,
  hasRun,
  reportsOf,
  type RivalSlot,
  type Slots,
  slotsDeadline,
  type Wait,
} from './table.ts';
