/**
 * The names that travel as their numbers: those of fields, and the words of `kind` and `class`. A beat,
 * most of which would be the names of its fields, is half as long with them.
 *
 * Invariants:
 *  1. A name keeps its number for ever: lists grow at their end. What an agent does not know by its
 *     number is an unknown field to it, or an unknown kind, as it would be by its name.
 *  2. A field is given its number together with its name, or travels under its name for ever: an agent
 *     that knew it by its name alone would overlook it.
 *  3. A field whose words travel as numbers never holds a number.
 */
const FIELDS = list(`
  kind boot seq incarnation inventoryVersion epoch class termMs sid grant nonce count fresh
  synced maxTermMs yourBoot revoked bindings host recordsHash owner version key revision
  inventories records term ops base entry value ballot promised accepted state health
  attempt slot component startedAt engineId reason fork at by topic text about action
  address address6 adjusted affinity after afterMs ageMs agent aliases among antiAffinity
  arch availability backWithinMs became buried capAdd capDrop ceiling cgroupns changed code
  command components condition constraints container content cpuCount cpuShares cpuset
  crashLoop createsPath dataKey delayMs dependsOn deployId deployIds deviceRules devices dns
  dnsOptions dnsSearch domainname driver ended ends engine engineSilentAfterMs entrypoint
  environment exitCode expect external extraHosts failed failuresMaxPpm files fill
  fingerprint forgiven former from gateway gid groups guard hard healthcheck heard heartbeat
  held hint history hostname id image init inspect internal intervalMs ipc ipv6 isOver
  isRival items job keys label labels last leaving left life limits line made members
  memoryBytes memoryReservationBytes memorySwapBytes milliCpus mode monitorMs n name
  networkMode networks next noCopy normal ok on onFailure onHeal onIsolation oomKillDisable
  oomScoreAdj operator options order os outcome parallelism path paused peerId perHostMax
  permissions pid pids placement port ports prefer privileged process propagation protocol
  publishAddress published range readOnly record refused replicas required reserves reset
  restart restarts resumed retries retryMax rollback rollout roster run runs runtime seal
  sealed securityOpt sender shmBytes since singleton slots soft source spec spread stack
  stackRevision startPeriodMs status steering stopGraceMs stopSignal strict subnet subnets
  subpath swappiness sysctls target test timeoutMs tmpfs to trial uid ulimits undoes update
  user userns uts volumes voters why windowMs words workingDir wraps dependents graceMs rebalance
  seeks
`);

const WORDS = list(`
  beat keepalive keepaliveAck heartbeat pull delta inventoryDelta rumor probe probeAck
  probeFor probeForAck knock prepare prepareAck accept acceptAck release open push pushAck
  write normal strict writeAck read readAck handOver revoke rosterPrepare rosterPromise
  rosterAccept rosterAccepted rosterChosen syncPull syncPage deploy deployResult join
  welcome forget adjust dismissed members stack component instance decision host lease bind
  named no onFailure always unlessStopped secret config label hostname os arch id tcp http
  exec shell refused committed unknown
`);

/** Fields that hold one of the words. */
const WORDED: ReadonlySet<string> = new Set(['kind', 'class']);

const FIELD_NUMBERS = numbersOf(FIELDS);
const WORD_NUMBERS = numbersOf(WORDS);

/** As it travels. */
export const numberOfField = (name: string): number | undefined => FIELD_NUMBERS.get(name);

/** What its number stands for; of one that is given to no name, a name that no field has. */
export const fieldOf = (number: number): string => FIELDS[number] ?? `#${number}`;

/** The number that the word in this field travels as; undefined: it travels as it is. */
export const numberOfWord = (field: string, word: unknown): number | undefined =>
  WORDED.has(field) && typeof word === 'string' ? WORD_NUMBERS.get(word) : undefined;

export const isWorded = (field: string): boolean => WORDED.has(field);

/** The same for a word: one that no kind has. */
export const wordOf = (number: number): string => WORDS[number] ?? `#${number}`;

function list(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

function numbersOf(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, number) => [name, number]));
}
