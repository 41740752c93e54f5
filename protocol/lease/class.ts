/**
 * The classes of leases. Each has its own T, in the roster, and a session of its own with every voter,
 * so that what must end early for one kind of key costs nothing to the others (README.md §5, L-c).
 */
import type { Key } from '../base/ids.ts';

/** `normal`: who decides; `strict`: who may run the one instance of a slot. */
export type LeaseClass = 'normal' | 'strict';
export const LEASE_CLASSES: readonly LeaseClass[] = ['normal', 'strict'];

/** A key belongs to one class for ever: both sides of a lease must agree on it. */
export const classOf = (key: Key): LeaseClass => (key.startsWith('slot/') ? 'strict' : 'normal');
