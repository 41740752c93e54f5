/** What a verdict is about: the keys, seats, hosts and numbers that it names, and what concerns them. */
import { ROSTER_KEY } from '../../protocol/base/ids.ts';
import type { Message } from '../../protocol/wire/message.ts';
import type { Verdict } from '../run.ts';
import type { FullCourse } from './full-course.ts';
import { itemsOf } from './words.ts';

export type Subject = {
  readonly keys: ReadonlySet<string>;
  /** `STACK.COMPONENT`, where instances are the matter. */
  readonly components: ReadonlySet<string>;
  readonly deployIds: ReadonlySet<string>;
  readonly hosts: ReadonlySet<string>;
  /** Terms, ballots, epochs. */
  readonly numbers: ReadonlySet<number>;
  /** Under which its keys were led in this run. */
  readonly terms: ReadonlySet<number>;
  /** Who led them. */
  readonly leaders: ReadonlySet<string>;
  readonly isLease: boolean;
  readonly isRoster: boolean;
  /** Who is alive, and who knows what of whom. */
  readonly isNews: boolean;
};

const KEY = /\b(?:sys\/roster|stack\/[\w-]+|component\/[\w-]+\.[\w-]+)/g;
const COMPONENT = /(?<![/\w.-])[a-z][\w-]*\.[a-z][\w-]*/gi;
/** A host that lost its disk is another one: `h3b`. */
const HOST = /\bh\d+b*\b/g;
/** Of a seat like `shop.db.4` the slot is none. */
const NUMBER = /(?<![\w.])\d+/g;
const ROSTER_WORDS = /\b(?:epochs?|joint|members?|voters?|rosters?)\b/;
const LEASE_RULES = /^S[1-6]$/;
/** Of an expectation. */
const SIGHT = /\bsees? .* as \w/;
const NEWS_RULES = /^(?:S9|S10|S12|L3|L4)$/;

export function subjectOf(
  { text, rule }: Exclude<Verdict, { kind: 'passed' }>,
  { deeds, steps }: FullCourse,
): Subject {
  const found = (form: RegExp): readonly string[] => text.match(form) ?? [];
  const components = found(COMPONENT);
  const commands = deeds.flatMap(({ deed }) => (deed.kind === 'command' ? [deed.errand] : []));
  const named = commands.filter(({ given }) => text.split(/[^\w-]/).includes(given.deployId));
  const isRoster = ROSTER_WORDS.test(text);
  const keys: ReadonlySet<string> = new Set([
    ...found(KEY),
    ...components.flatMap((id) => [`component/${id}`, `stack/${id.split('.')[0]}`]),
    ...named.map(({ stack }) => `stack/${stack}`),
    ...(isRoster ? [ROSTER_KEY] : []),
  ]);
  const reigns = steps.flatMap(({ host, effects }) =>
    effects.flatMap((effect) =>
      effect.kind === 'leaseChanged' && keys.has(effect.key) ? [{ host, term: effect.term }] : [],
    ),
  );
  return {
    keys,
    terms: new Set(reigns.map(({ term }) => term)),
    leaders: new Set(reigns.map(({ host }) => host)),
    components: new Set(components),
    deployIds: new Set(
      commands
        .filter(({ stack }) => text.includes(`stack/${stack}`))
        .map(({ given }) => given.deployId)
        .concat(named.map(({ given }) => given.deployId)),
    ),
    hosts: new Set(found(HOST)),
    numbers: new Set(found(NUMBER).map(Number)),
    isLease: LEASE_RULES.test(rule),
    isRoster,
    isNews: NEWS_RULES.test(rule) || SIGHT.test(text),
  };
}

/** Whether a message has to do with it at all. */
export function concerns(subject: Subject, message: Message): boolean {
  const { keys, deployIds, hosts, isRoster, isNews } = subject;
  if (ABOUT_ROSTERS.has(message.kind)) return isRoster;
  const news = newsOf(message);
  if (news !== undefined)
    return isNews && (hosts.size === 0 || news.some((host) => hosts.has(host)));
  if (message.kind === 'open') return message.keys.some((key) => keys.has(key));
  if (message.kind === 'push') return keys.has(message.record.key);
  if ('key' in message) return keys.has(message.key);
  if ('deployId' in message) return deployIds.has(message.deployId);
  return itemsOf(message).some(({ key }) => keys.has(key));
}

const ABOUT_ROSTERS: ReadonlySet<Message['kind']> = new Set<Message['kind']>([
  'rosterPrepare',
  'rosterPromise',
  'rosterAccept',
  'rosterAccepted',
  'rosterChosen',
  'syncPull',
  'syncPage',
  'join',
  'welcome',
]);

/** The hosts that a piece of news is about; undefined: it is none. */
function newsOf(message: Message): readonly string[] | undefined {
  if (message.kind === 'rumor') return [message.about];
  if (message.kind === 'heartbeat') return [message.host];
  if (message.kind === 'inventoryDelta') return [message.owner];
  if (message.kind === 'pull' || message.kind === 'delta')
    return message.inventories.map(({ owner }) => owner);
  return undefined;
}

/** Whether it carries a number that the verdict names, or is about a lease that was won. */
export function isDecisive({ keys, numbers, terms }: Subject, message: Message): boolean {
  if ('term' in message) return numbers.has(message.term);
  if ('revision' in message && message.revision !== undefined)
    return numbers.has(message.revision.term);
  return itemsOf(message).some(
    ({ key, ballot }) => keys.has(key) && (numbers.has(ballot) || terms.has(ballot)),
  );
}

/** An attempt at a lease that came to nothing. */
export const isVain = (subject: Subject, message: Message): boolean =>
  itemsOf(message).length > 0 && !isDecisive(subject, message);
