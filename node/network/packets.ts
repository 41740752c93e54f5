/**
 * The same messages in fewer packets. Small messages go all the time, and libp2p makes several
 * packets of each: noise hands the length and the body of a frame over apart, and each piece is a
 * write of its own; yamux answers every data frame with a window update, which is a frame again.
 */
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface';
import { yamux } from '@libp2p/yamux';
import { StreamState, type YamuxStream } from '@libp2p/yamux/stream';

/** Larger pieces are full packets anyway; joining copies them. */
const JOINED_BYTES_MAX = 16_384;

/** Every frame of the encrypter becomes one write. */
export function inOnePiece(encrypter: ConnectionEncrypter): ConnectionEncrypter {
  const secureInbound = encrypter.secureInbound.bind(encrypter);
  const secureOutbound = encrypter.secureOutbound.bind(encrypter);
  encrypter.secureInbound = (connection, options) => secureInbound(joining(connection), options);
  encrypter.secureOutbound = (connection, options) => secureOutbound(joining(connection), options);
  return encrypter;
}

function joining<S extends MessageStream>(connection: S): S {
  const send = connection.send.bind(connection);
  connection.send = (data) => send(data.byteLength <= JOINED_BYTES_MAX ? data.subarray() : data);
  return connection;
}

type YamuxFactory = ReturnType<typeof yamux>;

/**
 * Yamux whose streams give credit back once half of the window has been used, as HashiCorp's does,
 * instead of after every frame: the sender always has at least the other half.
 */
export function sparingYamux(windowBytes: number): YamuxFactory {
  const streamOptions = { initialStreamWindowSize: windowBytes, maxStreamWindowSize: windowBytes };
  const createFactory = yamux({ streamOptions });
  return () => {
    const factory = createFactory();
    const create = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => {
      const muxer = create(connection);
      const onCreateStream = muxer.onCreateStream.bind(muxer);
      const onRemoteStream = muxer.onRemoteStream.bind(muxer);
      muxer.onCreateStream = () => sparing(onCreateStream(), windowBytes);
      muxer.onRemoteStream = (stream) => onRemoteStream(sparing(stream, windowBytes));
      return muxer;
    };
    return factory;
  };
}

function sparing(stream: YamuxStream, windowBytes: number): YamuxStream {
  const handleData = stream.handleData.bind(stream);
  const sendWindowUpdate = stream.sendWindowUpdate.bind(stream);
  let usedBytes = 0;
  stream.handleData = (frame) => {
    usedBytes += frame.header.length;
    handleData(frame);
  };
  stream.sendWindowUpdate = () => {
    // Before it is established an update also opens or accepts the stream.
    if (stream.state === StreamState.Established && usedBytes < windowBytes / 2) return;
    // A paused stream sends nothing; what it used stays to be returned.
    if (stream.state !== StreamState.Paused) usedBytes = 0;
    sendWindowUpdate();
  };
  return stream;
}
