/**
 * One agent that belongs to a cluster: the driver of the core. Everything that happens goes in as an
 * `Input`, everything the core wants comes out as `Effect`s; one timer stands for its deadline.
 */
import { createHash, randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { unreachable } from '../protocol/base/assert.ts';
import type { HostId } from '../protocol/base/ids.ts';
import { millis } from '../protocol/base/time.ts';
import { isOver } from '../protocol/core/dismissal.ts';
import { hasYielded } from '../protocol/core/strict.ts';
import { type Core, createCore, nextDeadline, type Restored, step } from '../protocol/core.ts';
import type { Config } from '../protocol/config.ts';
import type { CommandResult, Effect } from '../protocol/effect.ts';
import type { Command, Input, StopReason } from '../protocol/input.ts';
import type { StackSpec } from '../protocol/component/spec.ts';
import { foresee, type Foreseen } from '../protocol/core/foresee.ts';
import { viewOf } from '../protocol/view/build.ts';
import { votersOf } from '../protocol/roster/roster.ts';
import { allDecisions } from '../protocol/inventory/log.ts';
import type { Witnessed } from '../protocol/inventory/log.ts';
import type { ClusterView, JournalEntry } from '../protocol/view/view.ts';
import type { LeaseClock } from './clock.ts';
import type { Engine } from './engine/engine.ts';
import { join } from 'node:path';
import { type Builder, createBuilder } from './build/builder.ts';
import { pruneImages } from './build/pruner.ts';
import { BUNDLE_REQUEST, openShelf, type Shelf } from './build/shelf.ts';
import { createInterference, type Interference } from './chaos/interference.ts';
import { createEngineWork } from './engine/work.ts';
import type { GuardLink } from './guard/link.ts';
import type { Logger } from './log.ts';
import { createLastWords, type LastWords } from './logs/last-words.ts';
import { answerOf, ask } from './http/peer-requests.ts';
import { readIdentity } from './network/identity.ts';
import { createNetwork, type Network } from './network/network.ts';
import { createSpeech, type Speech, TOPICS } from './network/speech.ts';
import { createPerformer } from './perform.ts';
import { awaitInputs, type Inputs } from './run/inputs.ts';
import { sweepRuns } from './run/sweep.ts';
import { type Keyring, KEY_REQUEST, openKeyring } from './secrets/keyring.ts';
import { openFiles } from './secrets/opening.ts';
import type { AgentSettings } from './config.ts';
import { identityOf, otherMembers, votersFirst } from './identity.ts';
import { storeAddressBook } from './store/address-book.ts';
import type { Store } from './store/store.ts';
import type { Credentials } from './token.ts';

export interface Agent extends AsyncDisposable {
  readonly host: HostId;
  readonly core: Core;
  readonly network: Network;
  readonly speech: Speech;
  readonly engine: Engine;
  readonly lastWords: LastWords;
  readonly interference: Interference;
  readonly keyring: Keyring;
  readonly shelf: Shelf;
  readonly builder: Builder;
  readonly inputs: Inputs;
  readonly settings: AgentSettings;
  readonly log: Logger;
  readonly guard: GuardLink | undefined;
  view(): ClusterView;
  /** Where a stack would go if it were deployed now, as this host sees it. */
  foresee(stack: StackSpec): readonly Foreseen[];
  /** Oldest first; `wall` is when it was, by this host's wall clock, in ms. */
  journal(): readonly (JournalEntry & { readonly wall: number })[];
  /** What all other hosts have decided, as far as it was told here, the gone ones too. */
  witnessed(): readonly (Witnessed & { readonly wall: number })[];
  command(command: Command): Promise<CommandResult>;
  /** Closes it. The others are told why, unless it is back in a moment. */
  end(why: StopReason): Promise<void>;
}

export type AgentInit = {
  readonly settings: AgentSettings;
  readonly config: Config;
  readonly credentials: Credentials;
  readonly identityKey: Uint8Array;
  readonly peerId: string;
  readonly restored: Restored;
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: LeaseClock;
  /** Undefined: this host has none. */
  readonly guard: GuardLink | undefined;
  readonly log: Logger;
  /** The core has taken a step, and what it wants has begun; at least every 5 s. */
  readonly stepped: () => void;
  /** Its cluster has forgotten this host, and nothing of it runs here any more; once. */
  readonly dismissed: () => void;
  /** The agent cannot go on: its disk failed, or its core broke an invariant. */
  readonly fatal: (error: unknown) => void;
};

export async function startAgent(init: AgentInit): Promise<Agent> {
  const { settings, config, credentials, store, engine, clock, guard, log } = init;
  const core = createCore(config, identityOf(init), randomInt(2 ** 32), init.restored);
  const replies = new Map<string, (result: CommandResult) => void>();
  const inbox: Input[] = [];
  let timer: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;
  let closed = false;
  let over = false;
  let commandCount = 0;

  /** With all else that this turn of the event loop brings. */
  function give(input: Input): void {
    inbox.push(input);
    turn ??= setImmediate(takeAll);
  }

  function takeAll(): void {
    clearImmediate(turn);
    turn = undefined;
    for (let input = inbox.shift(); input !== undefined; input = inbox.shift())
      take(input, inbox.length > 0);
  }

  function take(input: Input, more: boolean): void {
    if (closed) return;
    try {
      const now = clock.now();
      performer.perform(step(core, input, now, more));
      if (!more) schedule(now);
      init.stepped();
      if (!over && isOver(core)) {
        over = true;
        init.dismissed();
      }
    } catch (error) {
      closed = true; // nothing may follow from a broken invariant, not even a good-bye
      init.fatal(error);
    }
  }

  function schedule(now: number): void {
    clearTimeout(timer);
    const deadline = nextDeadline(core) ?? Infinity;
    const waitMs = Math.min(Math.max(0, deadline - now), STEP_AT_LEAST_MS);
    timer = setTimeout(() => give({ kind: 'woken' }), waitMs);
  }

  const interference = createInterference({
    random: Math.random,
    later: (ms, run) => void setTimeout(run, ms).unref(),
    now: () => performance.now(),
  });
  const speech = createSpeech({ cluster: credentials.cluster, log, give, interference });
  const lastWords = createLastWords(engine);
  const line: { network?: Network } = {};
  const asking = () => {
    if (line.network === undefined) throw new Error('this agent does not listen yet');
    return { speech, interference, network: line.network };
  };
  const keyring = await openKeyring({
    cluster: credentials.cluster,
    host: core.identity.host,
    privateKey: await readIdentity(init.identityKey),
    store,
    committed: core.committed,
    others: () => otherMembers(core),
    ask: async (host, id, signal) => ask(asking(), host, KEY_REQUEST, { id }, signal),
    log,
  });
  const shelf = await openShelf({
    folder: join(settings.state, 'bundles'),
    committed: core.committed,
    isVoter: () => votersOf(core.council.roster).includes(core.identity.host),
    others: () => votersFirst(core, otherMembers(core)),
    ask: (host, hash, signal) => answerOf(asking(), host, BUNDLE_REQUEST, { hash }, signal),
    log,
  });
  const pruner = pruneImages({
    images: engine.images,
    committed: core.committed,
    now: () => clock.now(),
    log,
  });
  const builder = createBuilder(engine, shelf, (image) => pruner.asked(image));
  const inputs = awaitInputs({ engine, now: () => clock.now(), log });
  const work = createEngineWork({
    engine,
    lastWords,
    openFiles: openFiles(credentials.cluster, keyring),
    builder,
    started: (instance, spec) => inputs.started(instance, spec),
    give,
    log,
    relistMs: config.relistMs,
  });

  function begin(effect: Exclude<Effect, { readonly kind: 'persist' }>): void {
    if (closed) return;
    switch (effect.kind) {
      case 'send':
        return speech.send(effect.to, effect.message);
      case 'publish':
        return speech.publish(effect.message);
      case 'connectProbe':
        return void probe(effect.host);
      case 'keepPeers':
        for (const { host, peerId } of effect.peers) speech.learn(host, peerId);
        return line.network?.setWanted(effect.peers.map(({ peerId }) => peerId));
      case 'reply':
        replies.get(effect.commandId)?.(effect.result);
        return void replies.delete(effect.commandId);
      case 'guardSlot':
        return guard?.warrant(effect.key, effect.warrant);
      case 'leaseChanged':
        return logLease(log, effect, clock.now());
      case 'journal':
        return log.info({ topic: effect.topic, about: effect.about }, effect.text);
      case 'startInstance':
      case 'stopInstance':
      case 'freezeInstance':
      case 'thawInstance':
      case 'removeInstance':
      case 'listInstances':
        return work.begin(effect);
      default:
        return unreachable(effect);
    }
  }

  async function probe(host: HostId): Promise<void> {
    const peerId = speech.peerIdOf(host);
    const bound = AbortSignal.timeout(config.probeMs);
    const isMute = peerId === undefined || interference.isSevered(host);
    const outcome = isMute ? 'silent' : await line.network?.probe(peerId, bound);
    if (outcome !== undefined) give({ kind: 'connectProbed', host, outcome });
  }

  const performer = createPerformer({
    begin,
    persist: (writes) =>
      store.write(writes.map(({ name, value }) => ({ key: `core/${name}`, value }))),
    diskFailed: init.fatal,
  });

  async function disposeParts(): Promise<void> {
    guard?.[Symbol.dispose]();
    keyring[Symbol.dispose]();
    shelf[Symbol.dispose]();
    pruner[Symbol.dispose]();
    inputs[Symbol.dispose]();
    await work[Symbol.asyncDispose]();
  }

  /** Nothing may be left that still writes to this disk: what comes next begins on it. */
  async function abandon(error: unknown): Promise<never> {
    closed = true;
    clearTimeout(timer);
    await performer.drained();
    await disposeParts();
    throw error;
  }

  const network = await createNetwork({
    privateKey: init.identityKey,
    clusterId: credentials.cluster,
    secret: credentials.secret,
    listen: settings.listen,
    mdns: settings.mdns,
    peers: settings.peers,
    addressBook: storeAddressBook(store),
    topics: Object.values(TOPICS),
    messageId: (_topic, bytes) => nameOf(bytes),
    log,
    onFrame: speech.onFrame,
    onGossip: speech.onGossip,
    onPeer: speech.onPeer,
  }).catch(abandon);
  line.network = network;

  /** So that nobody has to wait for a strict lease of ours. */
  async function yieldStrict(): Promise<void> {
    const until = performance.now() + YIELD_MS;
    give({ kind: 'yielding' });
    const isDone = (): boolean => closed || hasYielded(core) || performance.now() >= until;
    while (!isDone()) await pause(YIELD_LOOK_MS);
  }

  async function end(why: StopReason): Promise<void> {
    if (why !== 'restart') await yieldStrict();
    give({ kind: 'stopping', why });
    takeAll();
    clearTimeout(timer);
    await performer.drained();
    closed = true;
    for (const answer of replies.values()) answer(ENDED);
    replies.clear();
    await pause(LAST_WORDS_MS);
    sweep[Symbol.dispose]();
    await disposeParts();
    await network.close();
  }

  async function order(command: Command): Promise<CommandResult> {
    if (closed) return ENDED;
    commandCount += 1;
    const commandId = `c${commandCount}`;
    return new Promise((resolve) => {
      replies.set(commandId, resolve);
      give({ kind: 'commandGiven', commandId, command });
    });
  }

  const view = (): ClusterView => viewOf(core, clock.now());
  const sweep = sweepRuns({
    host: core.identity.host,
    committed: core.committed,
    view,
    destroy: (stack, deployId) => order({ kind: 'destroy', stack, deployId }),
    now: () => clock.now(),
    log,
  });

  speech.attach(network);
  give({ kind: 'started' });
  takeAll();
  guard?.open(give, engine.guardReach);

  return {
    host: core.identity.host,
    core,
    network,
    speech,
    engine,
    lastWords,
    interference,
    keyring,
    shelf,
    builder,
    inputs,
    settings,
    log,
    guard,
    view,
    foresee: (stack) => foresee(core, clock.now(), stack),
    journal() {
      const offset = Date.now() - clock.now();
      return core.journal.map((entry) => ({ ...entry, wall: offset + entry.at }));
    },
    witnessed() {
      const offset = Date.now() - clock.now();
      return allDecisions(core.inventories).map((told) => ({ ...told, wall: offset + told.at }));
    },
    command: order,
    end,
    [Symbol.asyncDispose]: () => end('restart'),
  };
}

/** Of what this agent has been asked and has not answered. */
const ENDED: CommandResult = { kind: 'unknown', why: 'the agent of this host starts anew' };

/** Waking early is harmless; whoever watches over the steps has to see some while all is quiet. */
const STEP_AT_LEAST_MS = 5_000;
/** Longest that strict instances may take to end; what is left then its guard ends. */
const YIELD_MS = 3_000;
const YIELD_LOOK_MS = 50;
/** What was said last has to leave before its connections close. */
const LAST_WORDS_MS = 150;

/** `until_ms`: on the machine's monotonic clock, so that agents on one machine can be compared. */
function logLease(
  log: Logger,
  { key, term, event, validUntil }: Extract<Effect, { readonly kind: 'leaseChanged' }>,
  now: number,
): void {
  const nowMs = Number(process.hrtime.bigint() / 1_000_000n);
  const until_ms = nowMs + millis(validUntil - now);
  const line = { lease: key, term, event, at_ms: nowMs, until_ms };
  if (event === 'renewed') log.debug(line, 'lease renewed');
  else log.info(line, `lease ${event}`);
}

/** So few that it costs little to say what one has, and chance makes no two alike within minutes. */
const NAME_BYTES = 8;
const nameOf = (bytes: Uint8Array): Uint8Array =>
  createHash('sha256').update(bytes).digest().subarray(0, NAME_BYTES);
