/** What scenarios can say of a cluster: each sentence is read as it is meant, and looked up. */
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../sim/run.ts';
import type { Timed } from '../../../sim/scenario/act.ts';
import { planned } from '../../../sim/scenario/act.ts';
import { CLAIM_FORMS, parseClaim, refute } from '../../../sim/scenario/claim.ts';
import { namesIn } from '../../../sim/scenario/names.ts';
import { optionsOf } from '../../../sim/scenario/scenario.ts';
import { SCENARIO, site } from './site.ts';

const NAMES = namesIn(3, [site()]);
const STRIKE_MS = 20_000;

/** What is seen against each sentence at a moment; undefined: it is true. */
function seenAt(
  atMs: number,
  sentences: readonly string[],
  timeline: readonly Timed[] = [],
): readonly (string | undefined)[] {
  const claims = sentences.map((sentence) => {
    const read = parseClaim(NAMES, sentence);
    if (!read.ok) throw new Error(read.error);
    return read.value;
  });
  let seen: readonly (string | undefined)[] | undefined;
  simulate(optionsOf(SCENARIO, 1), {
    untilMs: atMs + 200,
    timeline: timeline.map((timed, at) => planned(timed, `t${at}`)),
    look(scene) {
      if (scene.atMs >= atMs) seen ??= claims.map((claim) => refute(claim, scene));
      return undefined;
    },
  });
  if (seen === undefined) throw new Error('nobody looked');
  return seen;
}

describe('while all is well', () => {
  const TRUE = [
    '2 running of site.web',
    'exactly 2 running of site.web',
    'at least 1 running of site.web',
    'at most 2 running of site.web',
    '1 running of site.db.1',
    'no running of site.db.2',
    'site.web has a leader',
    'site has a leader',
    'roster has a leader',
    'everybody sees h2 as alive',
    'nobody sees h2 as dead',
    'h1 sees h3 as alive',
    '3 voters',
    '3 agents',
    'at least 3 starts',
    'no changes of leader',
  ];
  const FALSE: readonly (readonly [string, RegExp])[] = [
    ['3 running of site.web', /^2 run: h\d, h\d$/],
    ['at least 3 running of site.web', /^2 run/],
    ['at most 1 running of site.web', /^2 run/],
    ['1 running of site.db.2', /^none runs$/],
    ['site.web has no leader', /^h\d leads$/],
    ['h1 sees h3 as dead', /^h1 sees it as alive$/],
    ['nobody sees h3 as alive', /^h1 sees it as alive$/],
    ['everybody sees h3 as suspect', /sees it as alive$/],
    ['4 voters', /^there are 3$/],
    ['at most 2 starts', /^there are 3$/],
  ];

  it('finds true what is true', () => {
    const seen = seenAt(15_000, TRUE);
    expect(TRUE.filter((_, at) => seen[at] !== undefined)).toEqual([]);
  });

  it.each(FALSE)('says what it sees against "%s"', (sentence, against) => {
    expect(seenAt(15_000, [sentence])[0]).toMatch(against);
  });

  it.each([
    ['leader of site.db is', 'leader of site.db is not'],
    ['site.db runs on', 'site.db does not run on'],
  ])('"%s" is true of one host, "%s" of the others', (is, isNot) => {
    const hosts = ['h1', 'h2', 'h3'];
    const seen = seenAt(
      15_000,
      [is, isNot].flatMap((words) => hosts.map((host) => `${words} ${host}`)),
    );
    const holds = seen.map((against) => against === undefined);
    expect(holds.slice(0, 3).filter(Boolean)).toHaveLength(1);
    expect(holds.slice(3)).toEqual(holds.slice(0, 3).map((one) => !one));
  });
});

it('sees what has changed: a machine is gone', () => {
  const lose: Timed = {
    atMs: STRIKE_MS,
    act: {
      kind: 'host',
      who: { kind: 'host', host: 1 },
      fault: { kind: 'lose', forMs: 60_000 },
    },
  };
  const sentences = ['everybody sees h2 as dead', '2 agents', 'no running of site.web on h2'];
  expect(seenAt(STRIKE_MS + 5000, sentences, [lose])).toEqual([undefined, undefined, undefined]);
  expect(seenAt(STRIKE_MS + 5000, ['h2 sees h1 as alive'], [lose])).toEqual(['h2 has no agent']);
});

it.each([
  ['leader of shop.web is h1', /nothing called "shop.web" has a leader: site, site.web, site.db/],
  ['leader of site.web is h4', /there is no host "h4": they are h1, h2, h3/],
  ['2 running of site', /no component is called "site"/],
  ['2 running of site.web on mars', /there is no host "mars"/],
  ['3 ghosts', /nobody counts "ghosts"/],
  ['site.web is well', /is no sentence that can be checked/],
  ['', /is no sentence that can be checked/],
])('refuses "%s"', (sentence, why) => {
  const read = parseClaim(NAMES, sentence);
  expect(read).toEqual({ ok: false, error: expect.stringMatching(why) as string });
});

it('can read every sentence it advertises', () => {
  const names = namesIn(3, [{ ...site(), name: 'shop' }]);
  const sentences = CLAIM_FORMS.map((form) => form.replace(/ \(.*/, ''));
  expect(sentences.filter((sentence) => !parseClaim(names, sentence).ok)).toEqual([]);
});
