// The far end of DTLS-SRTP over real sockets: a phone that keys by a handshake of its own, and strangers who shout.
import type { Socket } from 'node:dgram';
import type { DtlsRole } from '../../../src/media/dtls/dtls-connection.ts';
import type { DtlsTerms } from '../../../src/media/dtls/dtls-terms.ts';
import type { Fingerprint } from '../../../src/media/dtls/fingerprint.ts';
import { ownFingerprint } from '../../../src/media/dtls/identity.ts';
import { type DtlsKeys, srtpKeysOf } from '../../../src/media/dtls/srtp-keys.ts';
import type { MediaPlane } from '../../../src/media/plane/media-plane.ts';
import type { EndpointRemote } from '../../../src/media/plane/messages.ts';
import { clientHello, cookieIn } from '../../support/fake-dtls.ts';
import type { Peer } from '../../support/relay-bench.ts';
import { Skipped } from '../case.ts';
import { DtlsEnd, dtlsGround } from './dtls-pair.ts';
import { bound, loopback, until } from './plane.ts';

/** Of `Flood`, all sources together. */
const strangersPerSecond = 20_000;

/** What signalling says of a phone with DTLS; `role` is ours. */
export function dtlsRemote(
  phone: Peer,
  role: DtlsRole,
  announced: Fingerprint,
  changes: Partial<EndpointRemote> = {},
  association = 'one',
): EndpointRemote {
  const dtls: DtlsTerms = { role, fingerprints: [announced], association };
  const none = { receive: undefined, send: undefined } as const;
  return phone.remote({ ...none, dtls, latching: { kind: 'authenticated' }, ...changes });
}

export class LiveEnd extends DtlsEnd {
  readonly announced: Fingerprint;
  readonly isClient: boolean;

  constructor(ground: ReturnType<typeof dtlsGround>, role: DtlsRole, expected: Fingerprint) {
    super(ground, ground.factory.open(role, [expected]));
    this.isClient = role === 'client';
    this.announced = ownFingerprint(ground.identity);
  }

  /** The keys, fresh copies at each call. */
  keys(role: DtlsRole): DtlsKeys {
    const agreed = this.connection.exportKeys();
    if (agreed === undefined) throw new Error('no keys');
    return srtpKeysOf(agreed, role);
  }
}

/** A phone's end; the certificate that it shows is of `ground`. */
export function dtlsEnd(plane: MediaPlane, role: DtlsRole, ground = dtlsGround()): LiveEnd {
  if (plane.fingerprint === undefined) throw new Skipped('the workers speak no DTLS');
  return new LiveEnd(ground, role, plane.fingerprint);
}

/** Lets the end speak over `socket` until its handshake is where it is expected to be. */
export async function handshake(
  end: LiveEnd,
  socket: Socket,
  port: number,
  expected: 'complete' | 'failed',
  limit?: number,
): Promise<void> {
  const flush = (): void => {
    for (const datagram of end.take()) socket.send(datagram, port, loopback);
  };
  const onMessage = (datagram: Uint8Array): void => {
    if ((datagram[0] ?? 0) < 20 || (datagram[0] ?? 0) > 63) return;
    const cookie = end.isClient ? undefined : end.cookieFor(datagram);
    if (cookie === undefined) end.receive(datagram);
    else socket.send(cookie, port, loopback);
    flush();
  };
  socket.on('message', onMessage);
  if (end.isClient) end.start();
  flush();
  const repeat = setInterval(() => {
    if (end.progress === 'handshaking') end.progress = end.connection.onDeadline(end.send);
    flush();
  }, 100);
  try {
    await until(() => end.progress === expected, `the handshake is ${end.progress}`, limit);
  } finally {
    clearInterval(repeat);
    socket.off('message', onMessage);
  }
}

/** ClientHellos with and without cookies, alerts, and DTLS that is none, from a few sources. */
export class Flood {
  readonly #sockets: readonly Socket[];
  readonly #timer: NodeJS.Timeout;
  #sent = 0;
  #otherThanCookies = 0;

  private constructor(sockets: readonly Socket[], port: number) {
    this.#sockets = sockets;
    for (const socket of sockets) {
      socket.on('message', (datagram: Uint8Array) => {
        const cookie = cookieIn(datagram);
        if (cookie === undefined) this.#otherThanCookies += 1;
      });
    }
    const shouts = [
      clientHello(1),
      clientHello(2, new Uint8Array(20)),
      Uint8Array.of(21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40),
    ];
    this.#timer = setInterval(() => {
      for (let count = 0; count < strangersPerSecond / 200; count += 1) {
        const socket = sockets[count % sockets.length];
        socket?.send(shouts[count % shouts.length] ?? '', port, loopback);
        this.#sent += 1;
      }
    }, 5);
  }

  static async start(port: number): Promise<Flood> {
    return new Flood([await bound(), await bound(), await bound()], port);
  }

  async stop(): Promise<{ readonly sent: number; readonly otherThanCookies: number }> {
    clearInterval(this.#timer);
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const socket of this.#sockets) socket.close();
    return { sent: this.#sent, otherThanCookies: this.#otherThanCookies };
  }
}
