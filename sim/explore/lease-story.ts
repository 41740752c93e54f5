/** The moves of a lease walk in words. */
import type { Message } from '../../protocol/wire/message.ts';
import { kept } from './catalog.ts';
import { hostOf, isBack, messageOf, voterOf } from './flights.ts';
import type { Cast } from './lease-cast.ts';
import type { LeaseMove } from './lease-node.ts';
import type { CandidateEvent } from './standing.ts';

export function tellMove(cast: Cast, move: LeaseMove): string {
  const { hosts, roster } = cast;
  switch (move.kind) {
    case 'deliver': {
      const pair = [hosts[hostOf(move.flight)], roster.voters[voterOf(move.flight)]];
      const [from, to] = isBack(move.flight) ? pair.reverse() : pair;
      const but =
        move.but === 'itArrivesAgain'
          ? ', and will once more'
          : move.but === 'itsAnswerIsLate'
            ? ', its answer is held up'
            : '';
      return `${tellMessage(kept(cast.messages, messageOf(move.flight)))} of ${from} reaches ${to}${but}`;
    }
    case 'act': {
      const first =
        move.first === undefined ? '' : `; its first message reaches ${roster.voters[move.first]}`;
      return `${hosts[move.host]} ${tellEvent(move.event)}${first}`;
    }
    case 'fade':
      return `${hosts[move.host]} no longer counts on ${roster.voters[move.voter]}`;
    case 'expire':
    case 'end':
      return `the session of ${hosts[move.host]} with ${roster.voters[move.voter]} ends`;
    case 'crash':
      return `${roster.voters[move.voter]} crashes and starts again`;
    case 'speak':
      return `the silence of ${roster.voters[move.voter]} is over`;
  }
}

function tellEvent(event: CandidateEvent): string {
  switch (event.kind) {
    case 'try':
      return 'tries for the key';
    case 'retry':
      return 'repeats or raises its ballot';
    case 'timeOut':
      return 'gives its ballot up after T/2';
    case 'release':
      return 'releases the key';
    case 'keepalive':
      return `sends ${event.voter} a keepalive`;
    case 'crash':
      return 'crashes and starts again';
    case 'heard':
      return `hears ${event.voter}`;
    case 'fade':
      return `no longer counts on ${event.voter}`;
  }
}

function tellMessage(message: Message): string {
  if (!('items' in message)) return message.kind;
  const items = message.items.map((item) => {
    if ('status' in item) return `${item.ballot} (${item.status})`;
    return 'ok' in item ? `${item.ballot} (${item.ok ? 'yes' : 'no'})` : `${item.ballot}`;
  });
  return `${message.kind} ${items.join(', ')}`;
}
