// The SRTP contexts of one endpoint. The same key again changes nothing; a new one carries the roll-over counters on.
// RFC 3711 §3.3.1, §8.1; RFC 4568 §7.1.4 (a key changes only when the offer changes it).
import { createHash, timingSafeEqual } from 'node:crypto';
import type { DtlsKeys } from '../dtls/srtp-keys.ts';
import type { EndpointRemote, MediaError } from '../plane/messages.ts';
import type { SrtpCipherFactory } from '../srtp/cipher.ts';
import { isKeyingComplete, type SrtpKeying, type SrtpSuite } from '../srtp/profile.ts';
import { SrtpReceiver } from '../srtp/srtp-receiver.ts';
import { SrtpSender } from '../srtp/srtp-sender.ts';
import type { SourceMap } from './source-map.ts';

export class EndpointKeys {
  readonly #ciphers: SrtpCipherFactory;
  readonly #sources: SourceMap | undefined;
  /** The contexts of the key before, closed: whoever captured packets under it must not replay them when it comes back. */
  #formerReceiver: SrtpReceiver | undefined;
  #formerReceiveDigest: Uint8Array | undefined;
  /** The last context that sent; it stays when a peer changes to plain RTP for a while. */
  #lastSender: SrtpSender | undefined;
  /** Undefined: the peer sends plain RTP. */
  receiver: SrtpReceiver | undefined;
  /** Undefined: the peer gets plain RTP. */
  sender: SrtpSender | undefined;
  /** What protects both directions; undefined: nothing does. */
  suite: SrtpSuite | undefined;
  /** A handshake will give the keys: until then nothing is taken and nothing is sent. */
  isAwaited = false;
  /** Digests, to know the same key again without keeping it. */
  #receiveDigest: Uint8Array | undefined;
  #sendDigest: Uint8Array | undefined;

  /** `sources` names what leaves under these keys; none where only RTCP does. */
  constructor(ciphers: SrtpCipherFactory, sources: SourceMap | undefined) {
    this.#ciphers = ciphers;
    this.#sources = sources;
  }

  check({ receive, send }: EndpointRemote): MediaError | undefined {
    for (const keying of [receive, send]) {
      if (keying !== undefined && !isKeyingComplete(keying)) {
        return { code: 'bad-key', detail: `key or salt has not the length that ${keying.suite} asks for` };
      }
    }
    return undefined;
  }

  /** Takes over the keys of a checked remote, and wipes them there: they were copied into this thread for this. */
  apply({ receive, send, dtls }: EndpointRemote): void {
    if (dtls === undefined) this.#replace(receive, send);
  }

  /** Keys of a handshake whose peer was verified; wiped here too. */
  applyDtls({ receive, send }: DtlsKeys): void {
    this.#replace(receive, send);
  }

  /** Those of before no longer count: whoever holds them is not the peer that is waited for. */
  await(): void {
    this.#replace(undefined, undefined);
    this.isAwaited = true;
  }

  close(): void {
    this.receiver?.close();
    this.sender?.close();
    this.receiver = undefined;
    this.sender = undefined;
    this.#receiveDigest?.fill(0);
    this.#sendDigest?.fill(0);
  }

  #replace(receive: SrtpKeying | undefined, send: SrtpKeying | undefined): void {
    this.isAwaited = false;
    this.suite = receive?.suite;
    this.#applyReceive(receive);
    this.#applySend(send);
    for (const keying of [receive, send]) {
      keying?.masterKey.fill(0);
      keying?.masterSalt.fill(0);
    }
  }

  #applyReceive(keying: SrtpKeying | undefined): void {
    const digest = digestOf(keying);
    if (isSame(digest, this.#receiveDigest)) return;
    const previous = this.receiver;
    const former = isSame(digest, this.#formerReceiveDigest) ? this.#formerReceiver : undefined;
    this.receiver = keying === undefined ? undefined : new SrtpReceiver(keying, this.#ciphers, previous, former);
    if (previous !== undefined) {
      previous.close();
      this.#formerReceiver = previous;
      this.#formerReceiveDigest = this.#receiveDigest;
    }
    this.#receiveDigest = digest;
  }

  #applySend(keying: SrtpKeying | undefined): void {
    const digest = digestOf(keying);
    if (isSame(digest, this.#sendDigest)) return;
    const previous = this.#lastSender;
    this.sender?.close();
    this.sender = keying === undefined ? undefined : new SrtpSender(keying, this.#ciphers, previous);
    this.#lastSender = this.sender ?? previous;
    this.#sendDigest = digest;
    this.#sources?.protectedBy(this.sender);
    if (previous?.hasRolledOver === true) this.#sources?.changeFeeder();
  }
}

function digestOf(keying: SrtpKeying | undefined): Uint8Array | undefined {
  if (keying === undefined) return undefined;
  return createHash('sha256').update(keying.suite).update(keying.masterKey).update(keying.masterSalt).digest();
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : timingSafeEqual(a, b);
}
