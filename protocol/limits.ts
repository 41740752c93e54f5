/**
 * Every bound on what we keep or send. Where one is reached, the comment says what is dropped.
 */
/** A frame on a stream; larger is refused before it is buffered. */
export const FRAME_BYTES_MAX = 262_144;
/** A gossip message; larger is never published (the pull carries it). */
export const GOSSIP_BYTES_MAX = 32_768;
/** Members of a cluster; further joins are refused. */
export const MEMBERS_MAX = 1_000;
/** Labels of one host, from its settings or from users; more are refused. */
export const LABELS_MAX = 32;
/** Characters of all labels that users have set, so that the list of members fits a frame; more are refused. */
export const LABELS_CHARS_MAX = 16_384;
/** Forgotten hosts told apart by the start they had; of older ones a late `join` lets them in again. */
export const FORMER_MAX = 64;
/** Strangers of whom it is known when they were told that they are none; beyond it all are told anew. */
export const STRANGERS_MAX = 100;
/** Keys under which records are kept; a deploy beyond it is refused. */
export const RECORDS_MAX = 10_000;
/** Keys whose promises a voter tells apart; beyond it those that nobody holds share the highest. */
export const PLACES_MAX = 2 * RECORDS_MAX;
/** Destroyed stacks that are being forgotten at a time; the others wait. */
export const BURIED_MAX = 32;
/** Characters of one spec of a stack as JSON; a deploy beyond it is refused. */
export const STACK_CHARS_MAX = 131_072;
/**
 * Bytes of all files of one component. In base64 two specs of it then fit `STACK_CHARS_MAX`, so that a
 * change comes batch by batch (`VERSIONS_MAX`); more are refused.
 */
export const FILES_BYTES_MAX = 40_960;
/** Hosts for which the data key of a stack is in its record; all others ask them for it. */
export const WRAPS_MAX = 16;
/** Components of a stack, and slots of a component. */
export const COMPONENTS_MAX = 200;
export const SLOTS_MAX = 1_000;
/** Ports chosen for the slots of one component, so that its record fits a frame; of more engines choose. */
export const CHOSEN_PORTS_MAX = 1_000;
/** Addresses of one port of which an instance is told; of more the nearest. */
export const ADDRESSES_MAX = 32;
/** Specs that slots of one component still wait with; of more, those of the newest change at once. */
export const VERSIONS_MAX = 3;
/** Revisions of a component that are remembered, the present one too; the oldest is dropped. */
export const HISTORY_MAX = 6;
/** Hosts that a slot was taken from and that may run it still; the youngest is left out. */
export const RIVALS_MAX = 4;
/**
 * After how long without a quorum of the voters a host may call itself isolated, at the earliest: a
 * whole lease, or every restart of a sole voter's agent would stop what runs.
 */
export const ISOLATION_MS_MIN = 3_000;
/** And at the latest: a day. */
export const ISOLATION_MS_MAX = 86_400_000;
/** How long a host that reboots may ask to be waited for, at most: a day. */
export const BACK_WITHIN_MS_MAX = 86_400_000;
/** How long a restart may wait at least: a day at most. */
export const RESTART_DELAY_MS_MAX = 86_400_000;
/** Entries in one host's inventory; what does not fit is left out and said in the journal. */
export const ENTRIES_MAX = 5_000;
/** Operations in one delta for one owner; the rest comes with the next. */
export const DELTA_OPS_MAX = 200;
/** Items of one list in a message. */
export const ITEMS_MAX = 1_000;
/** Characters of a free text in a message. */
export const TEXT_MAX = 4_096;
/** Journal entries kept; the oldest is dropped. */
export const JOURNAL_MAX = 1_000;
/** Newest decisions of a host that all others keep, and as many of its earlier starts together. */
export const DECISIONS_MAX = 32;
/** Characters of one of them told to others, and ids it is about; the rest is cut off. */
export const DECISION_CHARS_MAX = 240;
export const DECISION_IDS_MAX = 4;
/** Commands of users under way at once; one more is refused. */
export const COMMANDS_MAX = 100;
/** Probes for other hosts under way at once; of one more it is said at once that nothing was heard. */
export const FAVORS_MAX = 100;
/** Deploy ids remembered per record (R7). */
export const DEPLOY_IDS_MAX = 16;

/** A list in parts that one message may carry. */
export function batches<T>(items: readonly T[]): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let i = 0; i < items.length; i += ITEMS_MAX) parts.push(items.slice(i, i + ITEMS_MAX));
  return parts;
}
