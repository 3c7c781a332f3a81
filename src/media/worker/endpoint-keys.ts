// The SRTP contexts of one endpoint. The same key again changes nothing; a new one carries the roll-over counters on.
// RFC 3711 §3.3.1, §8.1; RFC 4568 §7.1.4 (a key changes only when the offer changes it).
import { hash, timingSafeEqual } from 'node:crypto';
import type { DtlsKeys } from '../dtls/srtp-keys.ts';
import type { KeysSnapshot } from '../plane/media-snapshot.ts';
import type { EndpointRemote, MediaError } from '../plane/messages.ts';
import type { SrtpCipherFactory } from '../srtp/cipher.ts';
import { type IndexLedger, KeyLedger } from '../srtp/index-ledger.ts';
import type { KeyVault } from '../srtp/key-vault.ts';
import { isKeyingComplete, type SrtpKeying, type SrtpSuite } from '../srtp/profile.ts';
import { SrtpReceiver } from '../srtp/srtp-receiver.ts';
import { SrtpSender } from '../srtp/srtp-sender.ts';
import type { SourceMap } from './source-map.ts';

/** What keys need of their worker. */
export interface KeysRoom {
  readonly ciphers: SrtpCipherFactory;
  /** Where indices outlive the process; undefined: nowhere. */
  readonly ledger?: IndexLedger | undefined;
  /** Seals keys for a successor; undefined: there will be none. */
  readonly vault?: KeyVault | undefined;
}

export class EndpointKeys {
  readonly #room: KeysRoom;
  /** What sealed keys are bound to. */
  readonly #owner: string;
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
  #sealedReceive: SealedKey | undefined;
  #sealedSend: SealedKey | undefined;

  /** `sources` names what leaves under these keys; none where only RTCP does. */
  constructor(room: KeysRoom, owner: string, sources: SourceMap | undefined) {
    this.#room = room;
    this.#owner = owner;
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
  apply({ receive, send, dtls }: Pick<EndpointRemote, 'receive' | 'send' | 'dtls'>): void {
    if (dtls === undefined) this.#begin(receive, send);
  }

  /** Keys of a handshake whose peer was verified; wiped here too. */
  applyDtls({ receive, send }: DtlsKeys): void {
    this.#replace(receive, send);
  }

  /** Keys and indices for a successor, the keys sealed. */
  snapshot(): KeysSnapshot {
    const [receive, send] = [this.#sealedReceive, this.#sealedSend];
    return {
      receive: receive === undefined || !this.receiver ? null : { ...receive, indices: this.receiver.indices() },
      send: send === undefined || !this.sender ? null : { ...send, indices: this.sender.indices() },
    };
  }

  /** What another process sealed for this owner; undefined when it cannot be opened. */
  open({ receive, send }: KeysSnapshot): OpenedKeys | undefined {
    const opened = ([sealed, direction]: readonly [SealedKey | null, string]): SrtpKeying | undefined =>
      sealed === null ? undefined : this.#room.vault?.open(sealed.sealed, sealed.suite, `${this.#owner} ${direction}`);
    const keys = { receive: opened([receive, 'receive']), send: opened([send, 'send']) };
    const isWhole = (receive === null || keys.receive !== undefined) && (send === null || keys.send !== undefined);
    return isWhole ? keys : undefined;
  }

  /** Goes on where another process stopped. Returns the SSRCs that may keep their names. */
  resume({ receive, send }: KeysSnapshot, keys: OpenedKeys): ReadonlySet<number> {
    if (keys.receive !== undefined || keys.send !== undefined) this.#replace(keys.receive, keys.send);
    if (receive !== null) this.receiver?.resume(receive.indices);
    return (send === null ? undefined : this.sender?.resume(send.indices)) ?? new Set();
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

  /**
   * Of keys that SDP brought: a process that ended before anybody knew of it may have used them, and said so in the ledger alone.
   * Keys of a handshake are new.
   */
  #begin(receive: SrtpKeying | undefined, send: SrtpKeying | undefined): void {
    const [receiver, sender] = [this.receiver, this.sender];
    this.#replace(receive, send);
    // A receiver that follows another one knows more than the ledger.
    if (receiver === undefined && this.#formerReceiver === undefined) this.receiver?.resume({ rtp: [], rtcp: [] });
    if (this.sender !== sender) this.sender?.resume({ rtp: [], rtcp: 0 });
  }

  #replace(receive: SrtpKeying | undefined, send: SrtpKeying | undefined): void {
    this.isAwaited = false;
    this.suite = receive?.suite;
    const { vault } = this.#room;
    this.#sealedReceive = sealed(vault, receive, `${this.#owner} receive`);
    this.#sealedSend = sealed(vault, send, `${this.#owner} send`);
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
    const { ciphers } = this.#room;
    this.receiver =
      keying === undefined ? undefined : new SrtpReceiver(keying, ciphers, previous, former, this.#ledgerOf(digest));
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
    const { ciphers } = this.#room;
    this.sender = keying === undefined ? undefined : new SrtpSender(keying, ciphers, previous, this.#ledgerOf(digest));
    this.#lastSender = this.sender ?? previous;
    this.#sendDigest = digest;
    this.#sources?.protectedBy(this.sender);
    if (previous?.hasRolledOver === true) this.#sources?.changeFeeder();
  }

  #ledgerOf(digest: Uint8Array | undefined): KeyLedger | undefined {
    const { ledger } = this.#room;
    return ledger === undefined || digest === undefined ? undefined : new KeyLedger(ledger, digest);
  }
}

/** Master keys that a successor opened. */
export interface OpenedKeys {
  readonly receive: SrtpKeying | undefined;
  readonly send: SrtpKeying | undefined;
}

interface SealedKey {
  readonly suite: SrtpSuite;
  readonly sealed: string;
}

function sealed(vault: KeyVault | undefined, keying: SrtpKeying | undefined, owner: string): SealedKey | undefined {
  if (vault === undefined || keying === undefined) return undefined;
  return { suite: keying.suite, sealed: vault.seal(keying, owner) };
}

/** SHA-256 of suite, key and salt: the ledger knows keys by it, so that it stays as it is. */
function digestOf(keying: SrtpKeying | undefined): Uint8Array | undefined {
  if (keying === undefined) return undefined;
  const { suite, masterKey, masterSalt } = keying;
  const keyAt = digested.write(suite, 0, 'latin1');
  const saltAt = keyAt + masterKey.length;
  digested.set(masterKey, keyAt);
  digested.set(masterSalt, saltAt);
  const digest = hash('sha256', digested.subarray(0, saltAt + masterSalt.length), 'buffer');
  digested.fill(0);
  return digest;
}

/** Suite, key and salt, one at a time; wiped after each. */
const digested = Buffer.alloc(96);

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : timingSafeEqual(a, b);
}
