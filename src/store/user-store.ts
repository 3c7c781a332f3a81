// Users that are kept outside the configuration: what the gate and policy ask of them, and what an operator does with them.
import type { UserConfig } from '../config/schema.ts';
import type { EpochMillis } from '../core/clock.ts';
import type { Result } from '../core/result.ts';
import { type Ha1ByAlgorithm, ha1ForAll, parseHa1, type StoreFailure, sameHa1 } from '../sip/auth/credentials.ts';

/** Limits that a user has of its own, named and measured as in the configuration (durations in milliseconds). */
export type OwnLimits = Pick<
  UserConfig,
  'concurrent_calls' | 'max_call_duration' | 'ring_timeout' | 'early_media_timeout' | 'direction'
>;

export interface UserProfile {
  readonly group: string | undefined;
  readonly limits: OwnLimits;
}

/** A password, or what another system kept of one. */
export type NewSecret =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'ha1'; readonly ha1: Ha1ByAlgorithm };

/** The secret that another system kept as an HA1 in hexadecimal, or undefined where it is none of that algorithm. */
export function hashedSecret(algorithm: string, hexadecimal: string): NewSecret | undefined {
  const ha1 = parseHa1({ [algorithm]: hexadecimal });
  return ha1.ok ? { kind: 'ha1', ha1: ha1.value } : undefined;
}

/** Whether what is kept of a secret comes from that password. */
export function sameSecret(
  kept: Ha1ByAlgorithm,
  { name, realm, password }: { readonly name: string; readonly realm: string; readonly password: string },
): boolean {
  return sameHa1(kept, ha1ForAll(name, realm, password));
}

export interface NewUser {
  readonly name: string;
  /** In lower case. */
  readonly domain: string;
  /** What the password is hashed with; a domain that changes its realm needs new passwords. */
  readonly realm: string;
  readonly secret: NewSecret;
  readonly group?: string | undefined;
  readonly limits: OwnLimits;
}

export interface PasswordChange {
  readonly name: string;
  readonly domain: string;
  readonly realm: string;
  readonly password: string;
  /** How many earlier passwords may not come back; kept as sealed HA1. */
  readonly history: number;
}

/** A user as operators see it: no credentials. */
export interface StoredUser extends UserProfile {
  readonly name: string;
  readonly domain: string;
  readonly realm: string;
  readonly locked: boolean;
  readonly createdAt: EpochMillis;
  readonly changedAt: EpochMillis;
  readonly password: PasswordState;
}

/** What is known of a password without knowing it. */
export interface PasswordState {
  readonly changedAt: EpochMillis;
  /** An operator ended it: the user proves nothing until there is a new one. */
  readonly mustChange: boolean;
}

/** What the gate checks against, and what may bar the user. */
export interface StoredCredentials {
  readonly ha1: Ha1ByAlgorithm;
  readonly locked: boolean;
  readonly password: PasswordState;
  /** Of one that is not locked. */
  readonly group: string | undefined;
  /** Present where looking it up took less work than for a user that is not there: the rest of it, for whoever proves nothing. */
  readonly spared: (() => void) | undefined;
}

/** For a locked user `profile` answers as for one that does not exist. Every method may reject. */
export interface UserStore {
  /** The user of exactly that name (case matters), locked or not. `domain` is in lower case. */
  find(name: string, domain: string): Promise<Result<StoredCredentials | undefined, StoreFailure>>;
  profile(name: string, domain: string): Promise<UserProfile | undefined>;
  /** False when there is one of that name and domain. */
  add(user: NewUser): Promise<boolean>;
  /** `reused`: the password is the present one or one of the last `history` before it, and nothing was changed. */
  setPassword(change: PasswordChange): Promise<'changed' | 'reused' | 'no-such-user'>;
  /** Ends the password before its time. False when there is no such user. */
  expirePassword(name: string, domain: string): Promise<boolean>;
  /** False when there is no such user. */
  setLocked(name: string, domain: string, locked: boolean): Promise<boolean>;
  /** False when there is no such user. */
  remove(name: string, domain: string): Promise<boolean>;
  /** By domain and name. */
  list(): Promise<readonly StoredUser[]>;
}
