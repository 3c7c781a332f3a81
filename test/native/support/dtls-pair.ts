// Two DTLS connections of one process, and the datagrams between them.

import { readClientHello, writeHelloVerifyRequest } from '../../../src/media/dtls/client-hello.ts';
import type { DtlsConnection, DtlsProgress, SendDatagram } from '../../../src/media/dtls/dtls-connection.ts';
import { createDtlsIdentity, type DtlsIdentity } from '../../../src/media/dtls/identity.ts';
import type { Arena } from '../../../src/media/native/arena.ts';
import { createArena, createGuardedArena } from '../../../src/media/native/arena-memory.ts';
import { loadLibc } from '../../../src/media/native/libc.ts';
import { type OpensslDtlsFactory, opensslDtlsFactory } from '../../../src/media/native/openssl-dtls.ts';
import { SeededRandom } from '../../support/fake-time.ts';
import { check } from '../case.ts';

export interface DtlsGround {
  readonly arena: Arena;
  readonly identity: DtlsIdentity;
  readonly factory: OpensslDtlsFactory;
  /** Where datagrams are put before a connection gets them. */
  readonly packet: number;
}

export function dtlsGround(memory: 'plain' | 'guarded' = 'plain'): DtlsGround {
  const arena = memory === 'guarded' ? createGuardedArena(loadLibc(), 1 << 22) : createArena(1 << 20);
  const identity = createDtlsIdentity(Date.now(), new SeededRandom(5));
  const factory = opensslDtlsFactory(arena, identity);
  check(factory.ok, factory.ok ? '' : factory.error);
  return { arena, identity, factory: factory.value, packet: arena.allocate(2048) };
}

/** One end of a handshake: what it wants sent is kept until somebody takes it. */
export class DtlsEnd {
  readonly connection: DtlsConnection;
  readonly #ground: DtlsGround;
  readonly sent: Uint8Array[] = [];
  progress: DtlsProgress = 'handshaking';
  readonly send: SendDatagram = (offset, length) => {
    this.sent.push(this.#ground.arena.bytes.slice(offset, offset + length));
  };

  constructor(ground: DtlsGround, connection: DtlsConnection) {
    this.#ground = ground;
    this.connection = connection;
  }

  start(): void {
    this.progress = this.connection.start(this.send);
  }

  take(): readonly Uint8Array[] {
    return this.sent.splice(0);
  }

  receive(datagram: Uint8Array): void {
    const { arena, packet } = this.#ground;
    // Flush against the end of the allocation: what reads beyond it dies on guarded memory.
    const offset = packet + ((2048 - datagram.length) & ~3);
    arena.bytes.set(datagram, offset);
    this.progress = this.connection.receive(offset, datagram.length, this.send);
  }

  /** What a stateless server answers to the ClientHello that was sent; the client sends it again with a cookie. */
  verifyHello(): void {
    const [hello] = this.take();
    check(hello !== undefined, 'no ClientHello was sent');
    const answer = this.cookieFor(hello);
    check(answer !== undefined, 'the first datagram is no ClientHello without a cookie');
    check(answer.length < hello.length, 'the answer is longer than the question');
    this.receive(answer);
  }

  /** The HelloVerifyRequest for a ClientHello that has no cookie yet. */
  cookieFor(hello: Uint8Array): Uint8Array | undefined {
    const { arena, packet } = this.#ground;
    arena.bytes.set(hello, packet);
    const read = readClientHello(arena, packet, hello.length);
    if (read === undefined || read.cookieBytes > 0) return undefined;
    const length = writeHelloVerifyRequest(arena, read, new Uint8Array(20).fill(7), packet + 1024);
    return arena.bytes.slice(packet + 1024, packet + 1024 + length);
  }
}

/** Carries datagrams both ways until neither has anything to say; `isLost` decides about each. */
export function exchange(client: DtlsEnd, server: DtlsEnd, isLost: (index: number) => boolean = () => false): void {
  let index = 0;
  for (let rounds = 0; rounds < 20; rounds += 1) {
    const [toServer, toClient] = [client.take(), server.take()];
    if (toServer.length + toClient.length === 0) return;
    for (const datagram of toServer) if (!isLost(index++)) server.receive(datagram);
    for (const datagram of toClient) if (!isLost(index++)) client.receive(datagram);
  }
}
