// What is kept of a password: its HA1 for each algorithm, never the password (RFC 7616 §3.4.2, §5.1), and who keeps it.
import { err, ok, type Result } from '../../core/result.ts';
import { type DigestAlgorithm, digestAlgorithms, digestHash, digestLength } from './digest.ts';

export type Ha1ByAlgorithm = Readonly<Partial<Record<DigestAlgorithm, string>>>;

/** One user as the authenticator sees it. An algorithm without HA1, or outside `accepts`, does not prove this user. */
export interface UserCredentials {
  readonly ha1: Ha1ByAlgorithm;
  /** Algorithms that this user may authenticate with; absent: every one that the listener offers. */
  readonly accepts?: readonly DigestAlgorithm[] | undefined;
  /** Why this user proves nothing for now, though the password may be right. The wire shows no difference. */
  readonly barred?: BarredFor | undefined;
  /** What this user is held to beyond the password; nothing where absent. */
  readonly access?: UserAccess | undefined;
  /**
   * What looking this user up was spared, as it was known from before: done where the proof is wrong, so that time does not tell this
   * user from one that does not exist.
   */
  readonly spared?: (() => void) | undefined;
  /** Other addresses of record (`name@domain`) that this user may register or call as. */
  readonly aliases?: readonly string[] | undefined;
}

export interface UserAccess {
  /** Zones that it may come from; none named: from everywhere. */
  readonly zones: readonly string[];
  /** What it needs beside the password. */
  readonly secondFactor: 'off' | 'device' | 'device-and-network';
}

export type BarredFor = 'locked' | 'password-expired';

/** The store could not answer. `detail` is for the log, never for the peer. */
export interface StoreFailure {
  readonly code: string;
  readonly detail: string;
}

/** Where credentials are kept. A rejected promise counts as a failure; a failure refuses the request. */
export interface CredentialStore {
  /** The user of exactly that name (case matters), `undefined` when there is none. `domain` is in lower case. */
  find(name: string, domain: string): Promise<Result<UserCredentials | undefined, StoreFailure>>;
}

/** Hash of `user:realm:password` in lower-case hexadecimal. */
export function ha1(algorithm: DigestAlgorithm, user: string, realm: string, password: string): string {
  return digestHash(algorithm, `${user}:${realm}:${password}`);
}

/** The HA1 for every algorithm, so that what a listener offers may change later without asking for passwords again. */
export function ha1ForAll(user: string, realm: string, password: string): Ha1ByAlgorithm {
  return Object.fromEntries(digestAlgorithms.map((algorithm) => [algorithm, ha1(algorithm, user, realm, password)]));
}

/** Whether two records come from one password, by the algorithms that both have; false where they share none. */
export function sameHa1(a: Ha1ByAlgorithm, b: Ha1ByAlgorithm): boolean {
  const shared = digestAlgorithms.filter((algorithm) => a[algorithm] !== undefined && b[algorithm] !== undefined);
  return shared.length > 0 && shared.every((algorithm) => a[algorithm] === b[algorithm]);
}

/** Reads HA1 values from a configuration or a store: unknown algorithms and values of a wrong length are errors. */
export function parseHa1(record: Readonly<Record<string, unknown>>): Result<Ha1ByAlgorithm, string> {
  const values: Partial<Record<DigestAlgorithm, string>> = {};
  for (const [name, value] of Object.entries(record)) {
    const algorithm = digestAlgorithms.find((each) => each === name);
    if (algorithm === undefined) return err(`expected one of ${digestAlgorithms.join(', ')}, got "${name}"`);
    const length = digestLength(algorithm);
    if (typeof value !== 'string' || value.length !== length || !/^[0-9a-fA-F]*$/.test(value)) {
      return err(`expected ${length} hexadecimal digits for ${algorithm}`);
    }
    values[algorithm] = value.toLowerCase();
  }
  return ok(values);
}
