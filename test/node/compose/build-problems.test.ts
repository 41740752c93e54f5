/** What a user reads about a build that is not as it should be. */
import { expect, it } from 'vitest';
import { told, web } from './told.ts';

it.each([
  ['build: .', []],
  [
    'build: {contex: .}',
    ['c.yaml:4:13 services.web.build.contex: unknown key, did you mean context?'],
  ],
  [
    'build: {context: "https://example.org/web.git#main"}',
    [
      'c.yaml:4:22 services.web.build.context: remote files are not supported: a deploy would depend on what lies elsewhere at that moment; download it and name it by its path',
    ],
  ],
  [
    'build: git@example.org:web.git',
    [
      'c.yaml:4:12 services.web.build: remote files are not supported: a deploy would depend on what lies elsewhere at that moment; download it and name it by its path',
    ],
  ],
  [
    'build: {dockerfile: a, dockerfile_inline: FROM scratch}',
    [
      'c.yaml:4:13 services.web.build.dockerfile: has no meaning beside dockerfile_inline; keep one of the two',
    ],
  ],
  [
    'build: {secrets: [token]}',
    [
      "c.yaml:4:13 services.web.build.secrets: not supported yet: the builder of each host's engine does not do it",
    ],
  ],
  [
    'build: {cache_from: [web:1]}',
    [
      'warning c.yaml:4:13 services.web.build.cache_from: ignored: each host has a cache of its own',
    ],
  ],
  [
    'build: .\n    pull_policy: always',
    [
      'warning c.yaml:5:5 services.web.pull_policy: ignored: its image is built where its files have changed, and never pulled',
    ],
  ],
  [
    'pull_policy: never',
    [
      'warning c.yaml:4:5 services.web.pull_policy: ignored: an image is pulled where it is missing',
    ],
  ],
  ['pull_policy: missing', []],
  ['build: .\n    pull_policy: if_not_present', []],
  [
    'build: {args: {VERSION: 1.10}}',
    [
      'warning c.yaml:4:29 services.web.build.args.VERSION: 1.10 is a number and is passed on as 1.1; quote it to keep it as it is',
    ],
  ],
  [
    'build: {args: [GONE]}',
    [
      'warning c.yaml:4:20 services.web.build.args[0]: GONE is not set here, so the build does not get it',
    ],
  ],
])('build: %s', (lines, wanted) => {
  expect(told(web(lines))).toEqual(wanted);
});
