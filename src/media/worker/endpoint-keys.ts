// The SRTP contexts of one endpoint. The same key again changes nothing; a new one carries the roll-over counters on.
// RFC 3711 §3.3.1, §8.1; RFC 4568 §7.1.4 (a key changes only when the offer changes it).
import { createHash, timingSafeEqual } from 'node:crypto';
import type { EndpointRemote, MediaError } from '../plane/messages.ts';
import type { SrtpCipherFactory } from '../srtp/cipher.ts';
import { isKeyingComplete, type SrtpKeying } from '../srtp/profile.ts';
import { SrtpReceiver } from '../srtp/srtp-receiver.ts';
import { SrtpSender } from '../srtp/srtp-sender.ts';
import type { SourceMap } from './source-map.ts';

export class EndpointKeys {
  readonly #ciphers: SrtpCipherFactory;
  /** The contexts of the key before, closed: whoever captured packets under it must not replay them when it comes back. */
  #formerReceiver: SrtpReceiver | undefined;
  #formerReceiveDigest: Uint8Array | undefined;
  /** The last context that sent; it stays when a peer changes to plain RTP for a while. */
  #lastSender: SrtpSender | undefined;
  /** Undefined: the peer sends plain RTP. */
  receiver: SrtpReceiver | undefined;
  /** Undefined: the peer gets plain RTP. */
  sender: SrtpSender | undefined;
  /** Digests, to know the same key again without keeping it. */
  #receiveDigest: Uint8Array | undefined;
  #sendDigest: Uint8Array | undefined;

  constructor(ciphers: SrtpCipherFactory) {
    this.#ciphers = ciphers;
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
  apply({ receive, send }: EndpointRemote, sources: SourceMap): void {
    this.#applyReceive(receive);
    this.#applySend(send, sources);
    for (const keying of [receive, send]) {
      keying?.masterKey.fill(0);
      keying?.masterSalt.fill(0);
    }
  }

  close(): void {
    this.receiver?.close();
    this.sender?.close();
    this.receiver = undefined;
    this.sender = undefined;
    this.#receiveDigest?.fill(0);
    this.#sendDigest?.fill(0);
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

  #applySend(keying: SrtpKeying | undefined, sources: SourceMap): void {
    const digest = digestOf(keying);
    if (isSame(digest, this.#sendDigest)) return;
    const previous = this.#lastSender;
    this.sender?.close();
    this.sender = keying === undefined ? undefined : new SrtpSender(keying, this.#ciphers, previous);
    this.#lastSender = this.sender ?? previous;
    this.#sendDigest = digest;
    sources.protectedBy(this.sender);
    if (previous?.hasRolledOver === true) sources.changeFeeder();
  }
}

function digestOf(keying: SrtpKeying | undefined): Uint8Array | undefined {
  if (keying === undefined) return undefined;
  return createHash('sha256').update(keying.suite).update(keying.masterKey).update(keying.masterSalt).digest();
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : timingSafeEqual(a, b);
}
