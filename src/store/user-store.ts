// Users that are kept outside the configuration: what the gate and policy ask of them, and what an operator does with them.
import type { UserConfig } from '../config/schema.ts';
import type { EpochMillis } from '../core/clock.ts';
import type { CredentialStore } from '../sip/auth/credentials.ts';

/** Limits that a user has of its own, named and measured as in the configuration (durations in milliseconds). */
export type OwnLimits = Pick<
  UserConfig,
  'concurrent_calls' | 'max_call_duration' | 'ring_timeout' | 'early_media_timeout' | 'direction'
>;

export interface UserProfile {
  readonly group: string | undefined;
  readonly limits: OwnLimits;
}

export interface NewUser {
  readonly name: string;
  /** In lower case. */
  readonly domain: string;
  /** What the password is hashed with; a domain that changes its realm needs new passwords. */
  readonly realm: string;
  readonly password: string;
  readonly group?: string | undefined;
  readonly limits: OwnLimits;
}

/** A user as operators see it: no credentials. */
export interface StoredUser extends UserProfile {
  readonly name: string;
  readonly domain: string;
  readonly realm: string;
  readonly locked: boolean;
  readonly createdAt: EpochMillis;
  readonly changedAt: EpochMillis;
}

/** For a locked user `find` and `profile` answer as for one that does not exist. Every method may reject. */
export interface UserStore extends CredentialStore {
  profile(name: string, domain: string): Promise<UserProfile | undefined>;
  /** False when there is one of that name and domain. */
  add(user: NewUser): Promise<boolean>;
  /** False when there is no such user. */
  setPassword(name: string, domain: string, realm: string, password: string): Promise<boolean>;
  /** False when there is no such user. */
  setLocked(name: string, domain: string, locked: boolean): Promise<boolean>;
  /** False when there is no such user. */
  remove(name: string, domain: string): Promise<boolean>;
  /** By domain and name. */
  list(): Promise<readonly StoredUser[]>;
}
