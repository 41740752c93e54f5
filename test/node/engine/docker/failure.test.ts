import { expect, it } from 'vitest';
import { EngineError } from '../../../../node/engine/engine.ts';
import {
  isImageMissing,
  isNameTaken,
  toEngineError,
} from '../../../../node/engine/docker/failure.ts';

const answer = (statusCode: number, message: string): Error =>
  Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${message} `), {
    statusCode,
    json: { message },
  });
const system = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });
const POOLS_FULL = 'all predefined address pools have been fully subnetted';
const PORT_TAKEN = 'driver failed: Bind for 0.0.0.0:80 failed: port is already allocated';

it.each<[Error, EngineError['code'], boolean, string]>([
  [answer(400, 'invalid mount config'), 'bad-spec', true, 'the same again is refused again'],
  [answer(400, 'network a is ambiguous (2 found)'), 'conflict', false, 'all but one may go'],
  [answer(400, POOLS_FULL), 'failed', false, 'a network may be removed'],
  [answer(400, 'bind source path does not exist: /mnt/a'), 'failed', false, 'a disk may come'],
  [answer(404, 'No such container: x'), 'not-found', false, 'it is gone'],
  [answer(409, 'is not running'), 'conflict', false, 'its state does not allow it now'],
  [answer(500, PORT_TAKEN), 'conflict', false, 'a port may become free'],
  [answer(500, 'no space left on device'), 'failed', false, 'the fault lies with the engine'],
  [answer(400, 'client version 1.51 is too new.'), 'unavailable', false, 'it was replaced'],
  [system('ENOENT'), 'unavailable', false, 'there is no socket'],
  [system('ECONNREFUSED'), 'unavailable', false, 'nobody listens'],
  [system('EACCES'), 'unavailable', false, 'we may not'],
  [new Error('socket hang up'), 'unavailable', false, 'it stopped while it answered'],
  [new Error('what?'), 'failed', false, 'anything else'],
])('%s is %s, permanent: %s: %s', (error, code, permanent) => {
  expect(toEngineError('cannot do it', error)).toMatchObject({ code, permanent });
});

it('says what, why and what next, without the words of the HTTP library', () => {
  const streamed = Object.assign(new Error('(HTTP code 500) server error - no space left '), {
    statusCode: 500,
    json: null,
  });
  const { message } = toEngineError('cannot start shop.web', streamed);
  expect(message).toBe(
    'cannot start shop.web: no space left; see the log of the Docker Engine on this host',
  );
});

it('keeps an error that was judged already', () => {
  const error = new EngineError('no-image', 'no image');
  expect(toEngineError('again', error)).toBe(error);
});

it('tells a missing image from a missing container', () => {
  expect(isImageMissing(answer(404, 'No such image: x:1'))).toBe(true);
  expect(isImageMissing(answer(404, 'No such container: x'))).toBe(false);
});

it('tells a name that is taken from other conflicts', () => {
  const taken =
    'Conflict. The container name "/shop-web-1-1-h1" is already in use by container "ab"';
  expect(isNameTaken(answer(409, taken))).toBe(true);
  expect(isNameTaken(answer(409, 'create db: volume name must be unique'))).toBe(false);
});
