import type { RequestListener, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { createDockerEngine } from '../../../../node/engine/docker/docker-engine.ts';
import { expectRefusal } from '../../../compliance/engine/ground.ts';
import { nodeSpec } from '../../../compliance/engine/docker-ground.ts';
import { StandIn } from './stand-in.ts';

const scope = { cluster: 'c1', host: 'h1', publishAddress: '127.0.0.1' };
const labels = { component: 's.web', slot: 1, attempt: 1, revision: 'r', term: 1 };
const never = new AbortController().signal;
const DIGEST = `sha256:${'0'.repeat(64)}`;

/** An engine without a single image, and a registry that answers as told. */
const withoutImages =
  (pulled: (response: ServerResponse) => void): RequestListener =>
  ({ url = '' }, response) => {
    if (url.includes('/containers/create'))
      response.writeHead(404).end('{"message":"No such image: x:latest"}');
    if (url.includes('/images/create')) pulled(response);
  };

it.each<[string, boolean, RegExp, (response: ServerResponse) => void]>([
  [
    'the registry does not know it',
    true,
    /pulling it failed: pull access denied for x; check its name/,
    (response) => response.writeHead(404).end('{"message":"pull access denied for x"}'),
  ],
  [
    'the registry cannot be reached',
    false,
    /pulling it failed: dial tcp: no such host; /,
    (response) => response.writeHead(500).end('{"message":"dial tcp: no such host"}'),
  ],
  [
    'the pull breaks off with a word',
    false,
    /pulling it failed: unexpected "EOF"; /,
    (response) =>
      response.end('{"status":"Pulling"}\n{"errorDetail":{},"error":"unexpected \\"EOF\\""}\n'),
  ],
  [
    'the pull breaks off without a word',
    false,
    /pulling it failed: aborted; /,
    (response) => response.write('{"status":', () => response.destroy()),
  ],
  [
    'it is still missing after the pull',
    false,
    /No such image/,
    (response) => response.end('{"status":"Pulling"}\n'),
  ],
])('refuses where %s (permanent: %s)', async (_, permanent, words, pulled) => {
  await using docker = await StandIn.open(() => '1.41', withoutImages(pulled));
  await using engine = await createDockerEngine(scope, docker);
  const started = engine.start({ labels, spec: nodeSpec('', { image: 'x' }) }, never);
  const refused = await expectRefusal(started, ['no-image']);
  expect(refused.message).toMatch(words);
  expect(refused.permanent).toBe(permanent);
});

it.each([
  ['x', 'x', 'latest', 'all tags are never wanted'],
  ['x:1', 'x', '1', 'the tag'],
  ['host:5000/x', 'host:5000/x', 'latest', 'the colon of a port is none of a tag'],
  ['host:5000/x:1', 'host:5000/x', '1', 'both'],
  [`x@${DIGEST}`, 'x', DIGEST, 'a digest stands for a tag'],
])('of %s pulls %s, tag %s: %s', async (image, fromImage, tag) => {
  await using docker = await StandIn.open(
    () => '1.41',
    withoutImages((response) => response.writeHead(404).end('{"message":"no"}')),
  );
  await using engine = await createDockerEngine(scope, docker);
  const started = engine.start({ labels, spec: nodeSpec('', { image }) }, never);
  await expectRefusal(started, ['no-image']);
  const address = docker.asked.find((url) => url.includes('/images/create')) ?? '';
  const query = new URL(address, 'http://engine').searchParams;
  expect(Object.fromEntries(query)).toEqual({ fromImage, tag });
});
