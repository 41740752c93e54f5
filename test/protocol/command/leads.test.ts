import { expect, it } from 'vitest';
import { epoch, hostId, key, term } from '../../../protocol/base/ids.ts';
import { LAN, firstTerms } from '../../../protocol/config.ts';
import {
  type Leader,
  type Leads,
  leadsDeadline,
  type LeadScene,
  onLead,
  tendLeads,
} from '../../../protocol/command/leads.ts';
import type { Turn } from '../../../protocol/turn.ts';
import { turnOf } from '../turns.ts';

const WEB = key('component/shop.web');
const HOSTS = ['a', 'b', 'c'].map(hostId);
const [A, B, C] = HOSTS as [(typeof HOSTS)[0], (typeof HOSTS)[0], (typeof HOSTS)[0]];
const leader = (host: typeof A, n = 7): Leader => ({ host, term: term(n) });

const scene = (of: Partial<LeadScene> & { readonly leads?: Leader }): LeadScene => ({
  roster: { epoch: epoch(1), voters: HOSTS, termMs: firstTerms(LAN) },
  quorum: true,
  wanted: new Set([WEB]),
  alive: HOSTS,
  isMember: new Set(HOSTS),
  leaderOf: () => of.leads,
  ...of,
});

const told = ({ out }: Turn): readonly string[] =>
  out.map((effect) => {
    if (effect.kind === 'send') return `${effect.message.kind} to ${effect.to}`;
    if (effect.kind !== 'reply') return effect.kind;
    const { result } = effect;
    if (result.kind === 'led') return `led by ${result.host} under ${result.term}`;
    return result.kind === 'refused' ? result.code : result.kind;
  });

type Asked = { readonly to?: typeof A; readonly force?: boolean };

function ask(leads: Leads, of: LeadScene, { to, force = false }: Asked): readonly string[] {
  const turn = turnOf('a', 1000);
  onLead(leads, turn, of, 'c1', { key: WEB, force, ...(to === undefined ? {} : { to }) });
  return told(turn);
}

function tend(leads: Leads, ms: number, of: LeadScene): readonly string[] {
  const turn = turnOf('a', ms);
  tendLeads(leads, turn, of);
  return told(turn);
}

const REVOKED = ['revoke to a', 'revoke to b', 'revoke to c'];

it.each<readonly [string, LeadScene, Asked, readonly string[]]>([
  ['its leader is asked', scene({ leads: leader(B) }), { to: C }, ['handOver to b']],
  ['so are we, if we lead it', scene({ leads: leader(A) }), { to: C }, ['handOver to a']],
  ['by force the voters are', scene({ leads: leader(B) }), { to: C, force: true }, REVOKED],
  ['without a leader the heir is told so', scene({}), { to: C }, ['open to c']],
  ['nothing is to be done', scene({ leads: leader(C) }), { to: C }, ['led by c under 7']],
  ['no such key', scene({ wanted: new Set() }), { to: C }, ['no-such-key']],
  ['no such host', scene({ isMember: new Set([A, B]) }), { to: C }, ['no-such-host']],
  ['a dead host', scene({ alive: [A, B] }), { to: C }, ['host-not-alive']],
  ['no quorum', scene({ quorum: false }), { to: C }, ['no-quorum']],
  [
    'without a name this host is meant',
    scene({ leads: leader(A) }),
    { force: true },
    ['led by a under 7'],
  ],
])('%s', (_what, of, asked, effects) => {
  expect(ask(new Map(), of, asked)).toEqual(effects);
});

it('asks again until the heir leads, and says under which term', () => {
  const leads: Leads = new Map();
  ask(leads, scene({ leads: leader(B) }), { to: C });
  expect(tend(leads, 1000 + LAN.retryMs - 1, scene({ leads: leader(B) }))).toEqual([]);
  expect(tend(leads, 1000 + LAN.retryMs, scene({ leads: leader(B) }))).toEqual(['handOver to b']);
  expect(tend(leads, 1400, scene({ leads: leader(B, 8) }))).toEqual([]); // it has raised its ballot
  expect(tend(leads, 1500, scene({ leads: leader(C, 9) }))).toEqual(['led by c under 9']);
  expect(leadsDeadline(leads)).toBeUndefined();
});

it('a third host that was quicker is an answer too', () => {
  const leads: Leads = new Map();
  ask(leads, scene({ leads: leader(B) }), { to: C });
  expect(tend(leads, 1100, scene({ leads: leader(A, 8) }))).toEqual(['led by a under 8']);
});

it('in the end says that it does not know what comes of it', () => {
  const leads: Leads = new Map();
  ask(leads, scene({ leads: leader(B) }), { to: C });
  expect(tend(leads, 1000 + LAN.commandMs, scene({ leads: leader(B) }))).toEqual(['unknown']);
  expect(leads.size).toBe(0);
});
