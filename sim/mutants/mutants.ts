/** Every mutant, by machine. */
import { ADDRESS_MUTANTS } from './addresses.ts';
import { AFFINITY_MUTANTS } from './affinity.ts';
import { PORT_MUTANTS } from './ports.ts';
import { BALANCE_MUTANTS } from './balance.ts';
import { COMPONENT_MUTANTS } from './component.ts';
import { DETECTOR_MUTANTS } from './detector.ts';
import { ENDING_MUTANTS } from './endings.ts';
import { FORCE_MUTANTS } from './forces.ts';
import { HANDOVER_MUTANTS } from './handover.ts';
import { INVENTORY_MUTANTS } from './inventory.ts';
import { JOB_MUTANTS } from './jobs.ts';
import { LEASE_MUTANTS } from './lease.ts';
import { MEMBER_MUTANTS } from './members.ts';
import type { Mutant } from './mutant.ts';
import { RECONCILE_MUTANTS } from './reconcile.ts';
import { RECORD_MUTANTS } from './record.ts';
import { ROLLOUT_MUTANTS } from './rollouts.ts';
import { ROSTER_MUTANTS } from './roster.ts';
import { SETTING_MUTANTS } from './settings.ts';
import { SINGLETON_MUTANTS } from './singleton.ts';

export const MUTANTS: readonly Mutant[] = [
  ...LEASE_MUTANTS,
  ...HANDOVER_MUTANTS,
  ...RECORD_MUTANTS,
  ...ROSTER_MUTANTS,
  ...FORCE_MUTANTS,
  ...DETECTOR_MUTANTS,
  ...MEMBER_MUTANTS,
  ...SETTING_MUTANTS,
  ...INVENTORY_MUTANTS,
  ...COMPONENT_MUTANTS,
  ...AFFINITY_MUTANTS,
  ...PORT_MUTANTS,
  ...ADDRESS_MUTANTS,
  ...BALANCE_MUTANTS,
  ...RECONCILE_MUTANTS,
  ...ENDING_MUTANTS,
  ...JOB_MUTANTS,
  ...ROLLOUT_MUTANTS,
  ...SINGLETON_MUTANTS,
];
