/** What voters and candidates say to each other about one key, at the epoch of the stage. */
import { ballot, boot, componentKey, epoch, type Key } from '../../../protocol/base/ids.ts';
import { instant, millis } from '../../../protocol/base/time.ts';
import type { Effect } from '../../../protocol/effect.ts';
import type { Message, PrepareAck } from '../../../protocol/wire/message.ts';
import type { Stage } from './stage.ts';

export const K = componentKey('shop.web' as never);
export const GRANT = { boot: boot(2), count: 1, nonce: 7 };
export const EPOCH = epoch(5);

export const read: Message = { kind: 'read', epoch: EPOCH, key: K, term: 7 as never };
export const accept = (n: number, sid = 2): Message => ({
  kind: 'accept',
  epoch: EPOCH,
  sid: boot(sid),
  grant: GRANT,
  items: [{ key: K, ballot: ballot(n) }],
});
export const acceptAck = (n: number, ok = true): Message => ({
  kind: 'acceptAck',
  epoch: EPOCH,
  sid: boot(2),
  grant: GRANT,
  items: [{ key: K, ballot: ballot(n), ok, hint: ballot(n) }],
});
type Status = PrepareAck['items'][number]['status'];
export const prepareAck = (n: number, status: Status = 'open', sid = 2): Message => ({
  kind: 'prepareAck',
  epoch: EPOCH,
  sid: boot(sid),
  items: [{ key: K, ballot: ballot(n), status, hint: ballot(n) }],
});
export const keepaliveAck = (sid: number, yourBoot = sid): Message => ({
  kind: 'keepaliveAck',
  epoch: EPOCH,
  class: 'normal',
  seq: 1,
  sid: boot(sid),
  grant: GRANT,
  fresh: true,
  yourBoot: boot(yourBoot),
  synced: true,
  maxTermMs: millis(3000),
  revoked: [],
  bindings: [],
});
export const changed = (stage: Stage, event: 'won' | 'ended', n: number, key: Key = K) =>
  ({
    kind: 'leaseChanged',
    key,
    term: n as never,
    event,
    validUntil: instant(stage.nowMs + 1000),
  }) as const satisfies Effect;
