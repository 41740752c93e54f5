/** Why this host cannot become, or begin as, a member of a cluster. */
import { StartupError } from './startup-error.ts';
import type { Credentials } from './token.ts';

export function damaged(why: string): StartupError {
  return new StartupError({
    code: 'damaged',
    what: 'the state of this host cannot be read',
    why,
    next: 'keep a copy of the state folder, then move it away: this host joins anew with a token',
  });
}

export function alreadyMember(credentials: Credentials | undefined): StartupError {
  return new StartupError({
    code: 'already-member',
    what: 'this host belongs to a cluster already',
    why: `its state folder holds the membership of ${credentials?.cluster ?? 'a cluster it is joining'}`,
    next: 'agentctl cluster show',
  });
}

export function nobodyFound({ cluster }: Credentials, limitMs: number): StartupError {
  return new StartupError({
    code: 'no-cluster-found',
    what: `no member of cluster ${cluster} let this host in within ${limitMs / 1000} s`,
    why: 'none was found by mDNS, its secret is another one, or its voters have no majority',
    next: 'agentctl doctor net      tells whether multicast works here; where it does not: agentctl cluster join TOKEN --peer HOST:7946',
  });
}

/** Let in meanwhile it would be another host, and what it has not ended would be nobody's. */
export function stillLeaving(credentials: Credentials | undefined): StartupError {
  return new StartupError({
    code: 'still-leaving',
    what: 'this host still ends what it was given',
    why: `the cluster ${credentials?.cluster ?? 'it was in'} has forgotten it, and its instances have their grace to end in`,
    next: 'agentctl ps --local      shows what is left; then the same command again',
  });
}
