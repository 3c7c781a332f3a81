// What SRTP asks of a cryptographic library: protect and unprotect one packet in place, with one set of session keys.
// Implemented by `native/openssl-cipher` and, where native code cannot be loaded, by `node-cipher`.
import type { PacketMemory } from '../rtp/packet-memory.ts';
import type { BlockEncryption, DerivedKeys } from './key-derivation.ts';
import type { SrtpProfile } from './profile.ts';

/** What a cipher returns instead of a length when the authentication tag does not match. */
export const forgedPacket = -1;

/** The E flag in front of the 31-bit SRTCP index (RFC 3711 §3.4), as this word's sign. */
export const encryptedFlag = 0x80000000;

/** The longest packet, before protection, that a cipher takes. */
export const longestPacketBytes = 2048;

/**
 * One direction's session keys, RTP and RTCP. Packets start at a multiple of 4 in the memory, at least 128 writable bytes
 * follow them, and the caller has checked that header and tag fit into the length. Not re-entrant; nothing is allocated.
 */
export interface SrtpCipher {
  /** Encrypts what follows the header and appends the tag. Returns the new length. */
  protectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number;
  /** Returns the length without tag, or `forgedPacket`; the bytes are undefined then. */
  unprotectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number;
  /** Encrypts what follows the first SSRC and appends E flag, index and tag. Returns the new length. */
  protectRtcp(offset: number, length: number, index: number): number;
  /** Takes E flag and index from the packet. Returns the length without trailer, or `forgedPacket`. */
  unprotectRtcp(offset: number, length: number): number;
  /** Reads of its keys what the next RTP packet needs, so that it is at hand, and returns something of no meaning. */
  preload?(): number;
  /** Forgets the keys and frees what is native. Idempotent; nothing else may be called afterwards. */
  close(): void;
}

export type CipherDirection = 'protect' | 'unprotect';

export interface SrtpCipherFactory {
  readonly name: 'openssl' | 'node';
  readonly memory: PacketMemory;
  /** For deriving keys; node:crypto's where there is none. */
  readonly encryptBlocks?: BlockEncryption | undefined;
  /** Takes the keys over: they are wiped here, at once or at `close`. */
  open(profile: SrtpProfile, keys: DerivedKeys, direction: CipherDirection): SrtpCipher;
}

/** Where the word with E flag and index stands in an SRTCP packet: before the tag, but after it with AEAD (RFC 7714 §9.2). */
export function srtcpIndexOffset(profile: SrtpProfile, offset: number, length: number): number {
  return offset + length - 4 - (profile.aead ? 0 : profile.rtcpTagBytes);
}
