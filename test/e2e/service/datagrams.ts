/**
 * A socket of datagrams in the file system, as the one on which systemd listens to its services. Node has
 * none, so it is made by the C library.
 */
import { dlopen } from 'node:ffi';

export interface Datagrams extends Disposable {
  /** What has come since the last look, oldest first. */
  take(): readonly string[];
}

// <sys/socket.h> of Linux.
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
/** Of `struct sockaddr_un`: the family, then a path that ends with a zero. */
const PATH_OFFSET = 2;

export function receiveDatagrams(path: string): Datagrams {
  const { functions: libc, lib } = dlopen('libc.so.6', {
    socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
    bind: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
    recv: { arguments: ['i32', 'buffer', 'u64', 'i32'], return: 'i64' },
    close: { arguments: ['i32'], return: 'i32' },
  });
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = Buffer.alloc(PATH_OFFSET + Buffer.byteLength(path) + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, PATH_OFFSET);
  if (libc.bind(fd, address, address.length) !== 0) throw new Error(`cannot bind ${path}`);
  const room = Buffer.alloc(4096);
  return {
    take() {
      const taken: string[] = [];
      for (;;) {
        const length = Number(libc.recv(fd, room, BigInt(room.length), MSG_DONTWAIT));
        if (length < 0) return taken;
        taken.push(room.toString('utf8', 0, length));
      }
    },
    [Symbol.dispose]() {
      libc.close(fd);
      lib.close();
    },
  };
}
