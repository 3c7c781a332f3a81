// The SRTP protection profiles and what each of them needs.
// RFC 3711 §8.2 (AES-CM 128), RFC 6188 §2 (AES-CM 256), RFC 7714 §12 (AES-GCM), RFC 4568 §6.2 (names).

export const srtpSuites = [
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AES_256_CM_HMAC_SHA1_80',
  'AES_256_CM_HMAC_SHA1_32',
  'AEAD_AES_128_GCM',
  'AEAD_AES_256_GCM',
] as const;

export type SrtpSuite = (typeof srtpSuites)[number];

export interface SrtpProfile {
  readonly suite: SrtpSuite;
  readonly aead: boolean;
  /** Length of the master key and of the session encryption key. */
  readonly keyBytes: number;
  /** Length of the master salt and of the session salt. */
  readonly saltBytes: number;
  /** Length of the session authentication key; 0 for AEAD. */
  readonly authKeyBytes: number;
  readonly rtpTagBytes: number;
  /** SRTCP keeps 80 bits even where RTP has 32 (RFC 4568 §6.2.2). */
  readonly rtcpTagBytes: number;
}

/** One direction's master key and salt. Never logged; zeroised by whoever derives session keys from it. */
export interface SrtpKeying {
  readonly suite: SrtpSuite;
  readonly masterKey: Uint8Array;
  readonly masterSalt: Uint8Array;
}

const counterMode = (suite: SrtpSuite, keyBytes: number, rtpTagBytes: number): SrtpProfile => ({
  suite,
  aead: false,
  keyBytes,
  saltBytes: 14,
  authKeyBytes: 20,
  rtpTagBytes,
  rtcpTagBytes: 10,
});

const galoisCounterMode = (suite: SrtpSuite, keyBytes: number): SrtpProfile => ({
  suite,
  aead: true,
  keyBytes,
  saltBytes: 12,
  authKeyBytes: 0,
  rtpTagBytes: 16,
  rtcpTagBytes: 16,
});

const profiles: Readonly<Record<SrtpSuite, SrtpProfile>> = {
  AES_CM_128_HMAC_SHA1_80: counterMode('AES_CM_128_HMAC_SHA1_80', 16, 10),
  AES_CM_128_HMAC_SHA1_32: counterMode('AES_CM_128_HMAC_SHA1_32', 16, 4),
  AES_256_CM_HMAC_SHA1_80: counterMode('AES_256_CM_HMAC_SHA1_80', 32, 10),
  AES_256_CM_HMAC_SHA1_32: counterMode('AES_256_CM_HMAC_SHA1_32', 32, 4),
  AEAD_AES_128_GCM: galoisCounterMode('AEAD_AES_128_GCM', 16),
  AEAD_AES_256_GCM: galoisCounterMode('AEAD_AES_256_GCM', 32),
};

/** What `suite` needs: lengths in bytes. */
export function profileOf(suite: SrtpSuite): SrtpProfile {
  return profiles[suite];
}

/** True when key and salt have the lengths that the suite asks for. */
export function isKeyingComplete({ suite, masterKey, masterSalt }: SrtpKeying): boolean {
  const { keyBytes, saltBytes } = profiles[suite];
  return masterKey.length === keyBytes && masterSalt.length === saltBytes;
}
