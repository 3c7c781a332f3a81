// A file of certificate authorities (PEM, RFC 7468 §5): what `client_ca`, `server_ca` and `store.ca` name.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Authorities } from '../core/authorities.ts';
import { messageOf } from '../core/errors.ts';
import { err, ok, type Result } from '../core/result.ts';

/** The fault begins with the path. */
export type AuthoritiesFault = { readonly code: 'file-unreadable' | 'certificate-unusable'; readonly detail: string };

/**
 * `path` is absolute. Text about the certificates is no fault; a file without one is, and so is one of which a certificate cannot be
 * read: who is trusted would depend on how much of it had been written.
 */
export function readAuthorities(path: string): Result<Authorities, AuthoritiesFault> {
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (thrown) {
    return err({ code: 'file-unreadable', detail: `${path}: ${messageOf(thrown)}` });
  }
  const unusable = (what: string) => err({ code: 'certificate-unusable', detail: `${path} ${what}` } as const);
  const [first, ...more] = pem.match(certificateBlock) ?? [];
  if (first === undefined) return unusable('holds no certificate (PEM), so that nobody would be known to trust');
  const begun = pem.match(certificateBegin)?.length ?? 0;
  if (begun !== more.length + 1) return unusable(`begins ${begun} certificates and ends ${more.length + 1}`);
  const all: Authorities = [first, ...more];
  for (const [index, one] of all.entries()) {
    try {
      new X509Certificate(one);
    } catch (thrown) {
      return unusable(`holds a certificate that cannot be read, number ${index + 1}: ${messageOf(thrown)}`);
    }
  }
  return ok(all);
}

const certificateBegin = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/g;
/** None spans the begin of another. */
const certificateBlock = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----(?:(?!-----BEGIN )[\s\S])*?-----END \1-----/g;
