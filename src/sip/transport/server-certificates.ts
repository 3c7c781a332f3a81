// The certificates that one listener shows, chosen by the name that a peer asks for (SNI, RFC 6066 §3). A peer that asks for none,
// or for a name that nobody here has, gets the first.
import { constants, createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { NamedCertificate, TlsOptions } from './listener-options.ts';

export class ServerCertificates {
  readonly #byName = new Map<string, SecureContext>();

  /** Throws when a key and its certificate do not fit each other. */
  constructor(listener: string, tls: TlsOptions) {
    for (const pair of tls.others ?? []) {
      const context = createSecureContext(contextOptions(listener, tls, pair));
      for (const name of pair.names ?? namesIn(pair.certificate)) {
        const lower = name.toLowerCase();
        if (!this.#byName.has(lower)) this.#byName.set(lower, context);
      }
    }
  }

  /** Every peer gets the listener's first certificate. */
  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  /** Undefined: the listener's first certificate. A wildcard stands for one label. */
  contextFor(serverName: string): SecureContext | undefined {
    const lower = serverName.toLowerCase();
    const dot = lower.indexOf('.');
    return this.#byName.get(lower) ?? (dot < 0 ? undefined : this.#byName.get(`*${lower.slice(dot)}`));
  }
}

/** TLS 1.2 at least (RFC 8996, RFC 9325), and no renegotiation. */
export function contextOptions(
  listener: string,
  tls: TlsOptions,
  { certificate, key }: Pick<NamedCertificate, 'certificate' | 'key'>,
): SecureContextOptions & { readonly minVersion: 'TLSv1.2' } {
  const { clientCa } = tls;
  return {
    cert: certificate,
    key,
    sessionIdContext: sessionContextOf(listener, tls),
    ...(clientCa === undefined ? {} : { ca: [...clientCa] }),
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/**
 * A session that is resumed shows no certificate again: it counts only where it began, and only as long as the same authorities are
 * trusted there, whatever keys its ticket was sealed with. 32 characters, as many as OpenSSL takes.
 */
function sessionContextOf(listener: string, { clientCa, clientCertificate }: TlsOptions): string {
  const terms = JSON.stringify([listener, clientCertificate, clientCa]);
  return createHash('sha256').update(terms).digest('hex').slice(0, 32);
}

/** The DNS names of the first certificate of a chain. A name that Node had to quote is no host name. */
function namesIn(pem: string): readonly string[] {
  const entries = new X509Certificate(pem).subjectAltName?.split(', ') ?? [];
  return entries.flatMap((entry) => (/^DNS:[^"]+$/.test(entry) ? [entry.slice('DNS:'.length)] : []));
}
