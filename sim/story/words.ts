/** What hosts say to each other, in plain words. */
import { type Revision, showRevision } from '../../protocol/record/record.ts';
import type { Roster } from '../../protocol/roster/roster.ts';
import type { Message } from '../../protocol/wire/message.ts';

/** Of a message that speaks of several keys or hosts at once, only those asked for are told. */
export type Keys = (name: string) => boolean;
type Phrases = {
  readonly [K in Message['kind']]?: (
    message: Extract<Message, { readonly kind: K }>,
    keys: Keys,
  ) => string;
};

function phrase(phrases: Phrases, message: Message, keys: Keys): string | undefined {
  const found = phrases[message.kind] as ((message: Message, keys: Keys) => string) | undefined;
  return found?.(message, keys);
}

type Items = readonly { readonly key: string; readonly ballot: number }[];
export const itemsOf = (message: Message): Items => ('items' in message ? message.items : []);

const ballots = (items: Items, keys: Keys): string => {
  const named = items.filter(({ key }) => keys(key));
  return [...new Set(named.map(({ key, ballot }) => `ballot ${ballot} of ${key}`))].join(', ');
};
const rev = (revision: Revision | undefined): string =>
  revision === undefined ? 'nothing' : showRevision(revision);
const by = (deployIds: readonly string[]): string =>
  deployIds.length === 0 ? '' : ` (${deployIds.at(-1)})`;
export const showRoster = ({ epoch, voters, next }: Roster): string =>
  `epoch ${epoch} (${voters.join(' ')}${next === undefined ? '' : `, joint with ${next.join(' ')}`})`;

const NAMED_MAX = 2;
const named = (ops: readonly { readonly name: string }[]): string => {
  const names = [...new Set(ops.map(({ name }) => name))];
  const more = names.length > NAMED_MAX ? `, ${names.length - NAMED_MAX} more` : '';
  return names.length === 0 ? '' : ` (${names.slice(0, NAMED_MAX).join(', ')}${more})`;
};

/** `…` stands for whoever is asked or told. */
const SAID: Phrases = {
  prepare: ({ items }, keys) => `asks … to promise ${ballots(items, keys)}`,
  accept: ({ items }, keys) => `asks … to accept ${ballots(items, keys)}`,
  release: ({ items }, keys) => `gives back to … ${ballots(items, keys)}`,
  open: (message, keys) => `tells … that ${message.keys.filter(keys).join(', ')} is free`,
  read: ({ key, term }) => `reads ${key} at … under term ${term}`,
  write: ({ key, revision, deployIds }) => `writes ${rev(revision)} of ${key} at …${by(deployIds)}`,
  push: ({ record }) => `tells … that ${rev(record.revision)} of ${record.key} is committed`,
  rosterPrepare: ({ ballot, base }) =>
    `asks … to promise attempt ${ballot.n} at epoch ${base.epoch + 1}`,
  rosterAccept: ({ ballot, roster }) =>
    `asks … to accept attempt ${ballot.n} at ${showRoster(roster)}`,
  rosterChosen: ({ roster }) => `tells … the roster of ${showRoster(roster)}`,
  syncPull: ({ epoch }) => `asks … for its records and promises, for epoch ${epoch}`,
  join: ({ host }) => `asks … to let ${host} in`,
  welcome: ({ roster }) => `lets … in, with the roster of ${showRoster(roster)}`,
  adjust: ({ host, adjusted }) => `asks … to adjust ${host}, by the list of ${adjusted}`,
  deploy: ({ deployId }) => `hands ${deployId} on to …`,
  deployResult: ({ deployId, outcome }) => `tells … of ${deployId}: ${outcome.kind}`,
  rumor: ({ about, health }) => `tells … that ${about} is ${health}`,
  inventoryDelta: ({ from, ops }) =>
    `tells … of its inventory from ${from} to ${ops.at(-1)?.version ?? from}${named(ops)}`,
  pull: ({ inventories }, keys) => {
    const known = inventories.filter(({ owner }) => keys(owner));
    const versions = known.map(({ owner, version }) => `version ${version} of ${owner}`);
    return `asks … for what is newer than ${versions.join(', ') || 'nothing'}`;
  },
  delta: ({ inventories, records }, keys) => {
    const told = inventories.filter(({ owner }) => keys(owner));
    const parts = told.map(
      ({ owner, reset, from, version, ops }) =>
        `the inventory of ${owner} ${reset ? 'anew' : `from ${from}`} to ${version}${named(ops)}`,
    );
    return `tells … of ${[...parts, ...(records.length > 0 ? [`${records.length} records`] : [])].join(', ') || 'nothing new'}`;
  },
  heartbeat: ({ host, incarnation }) => `shows … that ${host} lives, incarnation ${incarnation}`,
};

/** What is asked or told; the sender is named before it, and `…` is where the others are. */
export const said = (message: Message, keys: Keys): string =>
  phrase(SAID, message, keys) ?? `sends … ${aKind(message)}`;

const aKind = ({ kind }: Message): string => `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;

const STATUS = {
  open: 'promises',
  self: 'promises, bound to it already',
  held: 'promises, bound to another',
  silent: 'promises in silence',
} as const;
const refuses = (promised: number): string => `refuses, has promised ${promised}`;

const ANSWERED: Phrases = {
  prepareAck: ({ items }, keys) =>
    items
      .filter(({ key }) => keys(key))
      .map(({ status, hint }) => (status === 'nack' ? refuses(hint) : STATUS[status]))
      .join(', '),
  acceptAck: ({ items }, keys) =>
    items
      .filter(({ key }) => keys(key))
      .map(({ ok, hint }) => (ok ? 'accepts' : refuses(hint)))
      .join(', '),
  keepaliveAck: ({ fresh }) => (fresh ? 'does' : 'has another session'),
  readAck: ({ ok, revision, promised }) => (ok ? `has ${rev(revision)}` : refuses(promised)),
  writeAck: ({ outcome, promised }) =>
    outcome === 'refused' ? refuses(promised) : WRITTEN[outcome],
  pushAck: () => 'knows',
  rosterPromise: ({ ok, promised }) => (ok ? 'promises' : refuses(promised.n)),
  rosterAccepted: ({ ok, promised }) => (ok ? 'accepts' : refuses(promised.n)),
  rosterChosen: ({ roster }) => `knows ${showRoster(roster)}`,
  syncPage: ({ records, ceiling }) => `gives ${records.length} records, ceiling ${ceiling}`,
  deployResult: ({ outcome }) => `says ${outcome.kind}`,
  welcome: () => 'lets it in',
};
const WRITTEN = { stored: 'stores it', superseded: 'has a newer one' } as const;

/** What the one asked does about it, told by its answer. */
export const answered = (message: Message, keys: Keys): string =>
  phrase(ANSWERED, message, keys) ?? `answers with ${aKind(message)}`;

const QUESTIONS: { readonly [K in Message['kind']]?: Message['kind'] } = {
  keepaliveAck: 'keepalive',
  prepareAck: 'prepare',
  acceptAck: 'accept',
  readAck: 'read',
  writeAck: 'write',
  pushAck: 'push',
  rosterPromise: 'rosterPrepare',
  rosterAccepted: 'rosterAccept',
  syncPage: 'syncPull',
  deployResult: 'deploy',
  welcome: 'join',
};

/** A roster answers whatever comes from an older epoch. */
export const answers = (message: Message, question: Message): boolean =>
  message.kind === 'rosterChosen'
    ? 'epoch' in question || 'base' in question
    : QUESTIONS[message.kind] === question.kind;
