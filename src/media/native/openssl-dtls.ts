// DTLS 1.2 on the OpenSSL inside the Node binary, over memory BIOs: no sockets, no callbacks, no clock of ours.
// RFC 6347, RFC 5764. The peer's self-signed certificate is checked inside the handshake by OpenSSL's DANE, with the
// fingerprint from SDP as a DANE-EE record (RFC 7671 §5.1): what was not announced ends in bad_certificate.
import { messageOf, SbcError } from '../../core/errors.ts';
import { err, ok, type Result } from '../../core/result.ts';
import {
  type DtlsConnection,
  type DtlsFactory,
  type DtlsProgress,
  type DtlsRole,
  dtlsMtu,
  type ExportedKeys,
  type SendDatagram,
} from '../dtls/dtls-connection.ts';
import { digestOf, type Fingerprint, type FingerprintHash, strongest } from '../dtls/fingerprint.ts';
import type { DtlsIdentity } from '../dtls/identity.ts';
import { profileOf, type SrtpSuite } from '../srtp/profile.ts';
import type { Arena } from './arena.ts';
import { loadOpensslSsl, type OpensslSsl } from './openssl-ssl.ts';

/** Connections over `arena`, or why there are none. One factory a thread: its connections share scratch memory. */
export function opensslDtlsFactory(arena: Arena, identity: DtlsIdentity): Result<OpensslDtlsFactory, string> {
  const loaded = loadOpensslSsl();
  if (!loaded.ok) return loaded;
  try {
    const shared = shareContext(arena, loaded.value, identity);
    return ok({
      memory: arena,
      open: (role, fingerprints) => new OpensslDtlsConnection(shared, role, fingerprints),
      close: () => shared.ssl.contextFree(shared.context),
    });
  } catch (thrown) {
    return err(messageOf(thrown));
  }
}

export interface OpensslDtlsFactory extends DtlsFactory {
  /** When every connection is closed. */
  close(): void;
}

interface Shared {
  readonly arena: Arena;
  readonly ssl: OpensslSsl;
  /** SSL_CTX. */
  readonly context: number;
  /** BIO_ADDR that DTLSv1_listen wants to write to, and does not here. */
  readonly listenAddress: number;
  readonly scratch: number;
  /** A pointer for i2d. */
  readonly cell: number;
  readonly label: number;
}

const scratchBytes = 32 * 1024;
const label = 'EXTRACTOR-dtls_srtp';

/** In our order of preference; profiles 8, 7, 1 and 2 of RFC 5764 §4.1.2 and RFC 7714 §14.2. */
const profiles: readonly (readonly [name: string, suite: SrtpSuite])[] = [
  ['SRTP_AEAD_AES_256_GCM', 'AEAD_AES_256_GCM'],
  ['SRTP_AEAD_AES_128_GCM', 'AEAD_AES_128_GCM'],
  ['SRTP_AES128_CM_SHA1_80', 'AES_CM_128_HMAC_SHA1_80'],
  ['SRTP_AES128_CM_SHA1_32', 'AES_CM_128_HMAC_SHA1_32'],
];

const cipherList = 'ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES';
/** A certificate chain that is longer is no self-signed certificate. */
const longestChainBytes = 16 * 1024;

/** Numbers of OpenSSL's headers. */
const minimumVersion = 123;
const maximumVersion = 124;
const dtls12 = 0xfefd;
const sessionCacheMode = 44;
const maximumCertificateList = 51;
const noQueryMtu = 0x1000;
const noTicket = 0x4000;
const noRenegotiation = 0x4000_0000;
const verifyPeer = 0x01 | 0x02;
const ecKey = 408;
const setMtu = 17;
const handleTimeout = 74;
const noNameChecks = 1;
const daneEndEntity = 3;
const wholeCertificate = 0;
/** TLSA matching types (RFC 6698 §2.1.3); 3 is ours. */
const matchingTypes: Readonly<Record<FingerprintHash, number>> = { 'sha-256': 1, 'sha-512': 2, 'sha-384': 3 };
const wantRead = 2;
const wantWrite = 3;
const zeroReturn = 6;

function shareContext(arena: Arena, ssl: OpensslSsl, { certificate, privateKey }: DtlsIdentity): Shared {
  const context = ssl.contextNew(ssl.dtlsMethod());
  const scratch = arena.allocate(scratchBytes);
  const put = (bytes: Uint8Array): number => {
    arena.bytes.set(bytes, scratch);
    return arena.address(scratch, bytes.length);
  };
  const text = (value: string): number => put(Buffer.from(`${value}\0`, 'latin1'));
  const must = (isDone: boolean, what: string): void => {
    if (isDone) return;
    ssl.clearErrors();
    throw new SbcError('openssl-dtls', `OpenSSL refused ${what}`);
  };
  must(context !== 0, 'a context');
  must(ssl.contextControl(context, minimumVersion, dtls12, 0) === 1, 'DTLS 1.2');
  must(ssl.contextControl(context, maximumVersion, dtls12, 0) === 1, 'DTLS 1.2 as the highest');
  ssl.contextSetOptions(context, noQueryMtu | noTicket | noRenegotiation);
  ssl.contextControl(context, sessionCacheMode, 0, 0);
  ssl.contextControl(context, maximumCertificateList, longestChainBytes, 0);
  must(ssl.contextSetCipherList(context, text(cipherList)) === 1, 'the cipher list');
  must(ssl.contextUseCertificate(context, certificate.length, put(certificate)) === 1, 'our certificate');
  must(ssl.contextUsePrivateKey(ecKey, context, put(privateKey), privateKey.length) === 1, 'our key');
  arena.bytes.fill(0, scratch, scratch + privateKey.length);
  must(ssl.contextSetSrtpProfiles(context, text(profiles.map(([name]) => name).join(':'))) === 0, 'SRTP profiles');
  ssl.contextSetVerify(context, verifyPeer, 0);
  must(ssl.contextEnableDane(context) === 1, 'DANE');
  must(ssl.contextSetDaneHash(context, ssl.sha384(), matchingTypes['sha-384'], 2) === 1, 'SHA-384');
  ssl.contextSetCookieVerifier(context, ssl.yesOfDtls);
  const listenAddress = ssl.bioAddressNew();
  must(listenAddress !== 0, 'an address');
  const labelAt = arena.allocate(64);
  arena.bytes.set(Buffer.from(label, 'latin1'), labelAt);
  return { arena, ssl, context, listenAddress, scratch, cell: arena.allocate(64), label: labelAt };
}

class OpensslDtlsConnection implements DtlsConnection {
  readonly #shared: Shared;
  readonly #role: DtlsRole;
  /** SSL; it owns both BIOs. 0 once it is freed. */
  #ssl: number;
  readonly #reading: number;
  readonly #writing: number;
  #progress: DtlsProgress = 'handshaking';
  #hasListened = false;
  #failure: string | undefined;

  constructor(shared: Shared, role: DtlsRole, fingerprints: readonly Fingerprint[]) {
    const { ssl, context } = shared;
    this.#shared = shared;
    this.#role = role;
    this.#ssl = ssl.sslNew(context);
    this.#reading = ssl.bioNew(ssl.memoryBio());
    this.#writing = ssl.bioNew(ssl.memoryBio());
    if (this.#ssl === 0 || this.#reading === 0 || this.#writing === 0) {
      for (const bio of [this.#reading, this.#writing]) if (bio !== 0) ssl.bioFree(bio);
      if (this.#ssl !== 0) ssl.sslFree(this.#ssl);
      throw new SbcError('openssl-dtls', 'OpenSSL has no memory for a connection');
    }
    ssl.sslSetBio(this.#ssl, this.#reading, this.#writing);
    ssl.sslControl(this.#ssl, setMtu, dtlsMtu, 0);
    if (role === 'client') ssl.sslSetConnectState(this.#ssl);
    else ssl.sslSetAcceptState(this.#ssl);
    this.#expect(strongest(fingerprints));
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  start(send: SendDatagram): DtlsProgress {
    if (this.#role !== 'client') throw new SbcError('openssl-dtls', 'only a client speaks first');
    return this.#step(send);
  }

  receive(offset: number, length: number, send: SendDatagram): DtlsProgress {
    const { arena, ssl } = this.#shared;
    const live = this.#live();
    if (this.#progress === 'failed' || this.#progress === 'closed') return this.#progress;
    ssl.clearErrors();
    if (ssl.bioWrite(this.#reading, arena.address(offset, length), length) !== length) return this.#fail('no memory');
    if (this.#progress === 'complete') return this.#readOn(send);
    if (this.#role === 'server' && !this.#hasListened) {
      this.#hasListened = true;
      if (ssl.sslListen(live, this.#shared.listenAddress) !== 1) return this.#fail(this.#errors());
    }
    return this.#step(send);
  }

  onDeadline(send: SendDatagram): DtlsProgress {
    const { ssl } = this.#shared;
    const live = this.#live();
    if (this.#progress !== 'handshaking') return this.#progress;
    ssl.clearErrors();
    const repeated = ssl.sslControl(live, handleTimeout, 0, 0);
    this.#flush(send);
    return repeated < 0 ? this.#fail('no answer') : this.#progress;
  }

  peerCertificate(): Uint8Array | undefined {
    const { arena, ssl, scratch, cell } = this.#shared;
    const certificate = ssl.sslPeerCertificate(this.#live());
    if (certificate === 0) return undefined;
    const sizeBytes = ssl.encodeCertificate(certificate, 0);
    if (sizeBytes <= 0 || sizeBytes > scratchBytes) return undefined;
    arena.putAddress(arena.words, cell >> 2, scratch, sizeBytes);
    if (ssl.encodeCertificate(certificate, arena.address(cell, 8)) !== sizeBytes) return undefined;
    return arena.bytes.slice(scratch, scratch + sizeBytes);
  }

  exportKeys(): ExportedKeys | undefined {
    const { arena, ssl, scratch, label: labelAt } = this.#shared;
    const live = this.#live();
    if (this.#progress !== 'complete') return undefined;
    const suite = this.#agreedSuite();
    if (suite === undefined) return undefined;
    const { keyBytes, saltBytes } = profileOf(suite);
    const sizeBytes = 2 * (keyBytes + saltBytes);
    const [output, name] = [arena.address(scratch, sizeBytes), arena.address(labelAt, label.length)];
    const exported = ssl.sslExport(live, output, sizeBytes, name, label.length, 0, 0, 0);
    const material = arena.bytes.slice(scratch, scratch + sizeBytes);
    arena.bytes.fill(0, scratch, scratch + sizeBytes);
    if (exported === 1) return { suite, material };
    ssl.clearErrors();
    return undefined;
  }

  close(send?: SendDatagram): void {
    if (this.#ssl === 0) return;
    const { ssl } = this.#shared;
    if (this.#progress === 'complete' && send !== undefined) {
      ssl.sslShutdown(this.#ssl);
      this.#flush(send);
    }
    ssl.clearErrors();
    ssl.sslFree(this.#ssl);
    this.#ssl = 0;
    this.#progress = 'closed';
  }

  #expect(fingerprints: readonly Fingerprint[]): void {
    const { arena, ssl, scratch } = this.#shared;
    const live = this.#live();
    let isSet = ssl.sslEnableDane(live, 0) === 1;
    ssl.sslSetDaneFlags(live, noNameChecks);
    for (const fingerprint of fingerprints) {
      const digest = digestOf(fingerprint);
      arena.bytes.set(digest, scratch);
      const [at, type] = [arena.address(scratch, digest.length), matchingTypes[fingerprint.hash]];
      isSet &&= ssl.sslAddTlsa(live, daneEndEntity, wholeCertificate, type, at, digest.length) === 1;
    }
    if (isSet && fingerprints.length > 0) return;
    // Without a record OpenSSL would look for an authority that vouches for the certificate.
    this.close();
    throw new SbcError('openssl-dtls', 'a connection needs a fingerprint to expect');
  }

  #step(send: SendDatagram): DtlsProgress {
    const { ssl } = this.#shared;
    const live = this.#live();
    ssl.clearErrors();
    const result = ssl.sslHandshake(live);
    const error = result === 1 ? 0 : ssl.sslError(live, result);
    const failure = result === 1 || error === wantRead || error === wantWrite ? undefined : this.#errors();
    this.#flush(send);
    if (failure !== undefined) return this.#fail(failure);
    if (result === 1) this.#progress = 'complete';
    return this.#progress;
  }

  /** After the handshake: the peer's last flight again (answered with ours again), or its goodbye. Data is not for us. */
  #readOn(send: SendDatagram): DtlsProgress {
    const { arena, ssl, scratch } = this.#shared;
    const live = this.#live();
    const result = ssl.sslRead(live, arena.address(scratch, scratchBytes), scratchBytes);
    const error = result > 0 ? 0 : ssl.sslError(live, result);
    this.#flush(send);
    if (error === zeroReturn) this.#progress = 'closed';
    ssl.clearErrors();
    return this.#progress;
  }

  /** Hands out what OpenSSL wants sent, cut where records end and packed up to the MTU: no record crosses a datagram. */
  #flush(send: SendDatagram): void {
    const { arena, ssl, scratch } = this.#shared;
    const pending = ssl.bioRead(this.#writing, arena.address(scratch, scratchBytes), scratchBytes);
    let start = 0;
    for (let end = 0; end + recordHeaderBytes <= pending; ) {
      const next = end + recordHeaderBytes + arena.view.getUint16(scratch + end + 11);
      if (next > pending) break;
      if (end > start && next - start > dtlsMtu) {
        send(scratch + start, end - start);
        start = end;
      }
      end = next;
      if (end === pending) send(scratch + start, end - start);
    }
  }

  /** By identity: the agreed profile is one of those that were configured, in the same order. */
  #agreedSuite(): SrtpSuite | undefined {
    const { ssl } = this.#shared;
    const selected = ssl.sslSelectedProfile(this.#live());
    const known = ssl.sslProfiles(this.#live());
    if (selected === 0 || known === 0) return undefined;
    return profiles.find((_, index) => ssl.stackValue(known, index) === selected)?.[1];
  }

  #fail(reason: string): DtlsProgress {
    this.#failure = reason;
    this.#progress = 'failed';
    return 'failed';
  }

  /** The first of OpenSSL's errors, and none left behind for node:crypto, which shares the queue. */
  #errors(): string {
    const { arena, ssl, scratch } = this.#shared;
    const code = ssl.nextError();
    if (code === 0) return 'the handshake was broken off';
    ssl.errorText(code, arena.address(scratch, errorTextBytes), errorTextBytes);
    ssl.clearErrors();
    const end = arena.bytes.indexOf(0, scratch);
    return Buffer.from(arena.bytes.slice(scratch, end)).toString('latin1');
  }

  #live(): number {
    if (this.#ssl === 0) throw new SbcError('openssl-dtls', 'used after close');
    return this.#ssl;
  }
}

const recordHeaderBytes = 13;
const errorTextBytes = 256;
