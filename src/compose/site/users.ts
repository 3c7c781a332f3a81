// Users of the configuration and of the database as one: credentials for the gate, limits for policy. A user of the
// configuration hides one of the same address in the database.
import type { Config, UserConfig } from '../../config/schema.ts';
import type { Clock, EpochMillis } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import { ok, type Result } from '../../core/result.ts';
import { passwordStanding } from '../../policy/password-policy.ts';
import type { PartyFacts, PartyLimits } from '../../policy/policy-engine.ts';
import {
  type BarredFor,
  type CredentialStore,
  type Ha1ByAlgorithm,
  ha1ForAll,
  parseHa1,
  type StoreFailure,
  type UserAccess,
  type UserCredentials,
} from '../../sip/auth/credentials.ts';
import { inheritedMedia, KnownGroups, type OwnMedia, speaksOfMedia } from './own-media.ts';

/** Limits that a group or user sets for itself, under the names of the configuration. */
export type OwnLimits = Pick<
  UserConfig,
  'concurrent_calls' | 'max_call_duration' | 'ring_timeout' | 'early_media_timeout' | 'direction'
>;

/** What the database knows of a user beyond credentials. */
export interface StoredProfile {
  readonly group: string | undefined;
  readonly limits: OwnLimits;
}

/** What the database keeps to prove a user with. */
export interface StoredCredentials {
  readonly ha1: Ha1ByAlgorithm;
  readonly locked: boolean;
  readonly group: string | undefined;
  readonly spared: (() => void) | undefined;
  readonly password: { readonly changedAt: EpochMillis; readonly mustChange: boolean };
}

/** The database of users, when there is one. */
export interface UserDatabase {
  find(name: string, domain: string): Promise<Result<StoredCredentials | undefined, StoreFailure>>;
  profile(name: string, domain: string): Promise<StoredProfile | undefined>;
  /** False when there is no such user. */
  setLocked(name: string, domain: string, locked: boolean): Promise<boolean>;
}

export interface UsersParts {
  readonly database: UserDatabase | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** Says when passwords are over. */
  readonly clock: Clock;
  /** Users of the configuration that are locked; it outlives a reload. */
  readonly locked: Set<string>;
}

export class Users implements CredentialStore {
  readonly #config: Config;
  readonly #configured = new Map<string, { readonly credentials: UserCredentials; readonly user: UserConfig }>();
  readonly #database: UserDatabase | undefined;
  readonly #clock: Clock;
  readonly #locked: Set<string>;
  readonly #groups = new KnownGroups();

  /** Throws SbcError `user-secret` when a password_env names nothing or an HA1 is malformed. */
  constructor(config: Config, { database, environment, clock, locked }: UsersParts) {
    this.#config = config;
    this.#database = database;
    this.#clock = clock;
    this.#locked = locked;
    for (const user of config.user) {
      const domain = user.domain ?? config.domain[0]?.name ?? '';
      const credentials = credentialsOf(user, realmOf(config, domain), environment);
      this.#configured.set(`${user.name}@${domain}`, { credentials, user });
    }
  }

  async find(name: string, domain: string): Promise<Result<UserCredentials | undefined, StoreFailure>> {
    const configured = this.#configured.get(`${name}@${domain}`);
    if (configured !== undefined) {
      const isLocked = this.#locked.has(`${name}@${domain}`);
      const credentials = { ...configured.credentials, access: this.configuredAccessOf(`${name}@${domain}`) };
      return ok(isLocked ? { ...credentials, barred: 'locked' } : credentials);
    }
    const found = await this.#database?.find(name, domain);
    if (found === undefined) return ok(undefined);
    if (!found.ok || found.value === undefined) return found.ok ? ok(undefined) : found;
    const { ha1, group, spared } = found.value;
    const access = this.#hasAccess ? this.#accessOfGroup(group) : undefined;
    if (this.#hasMedia) this.#groups.note(`${name}@${domain}`, group);
    return ok({ ha1, barred: this.#barred(found.value), access, spared });
  }

  /** `alice@pbx.test` … of the configuration. */
  get configuredNames(): readonly string[] {
    return [...this.#configured.keys()];
  }

  /** Whether that user could still prove itself: it is there, and neither locked nor expired. Rejects when the database cannot answer. */
  async mayStand(name: string, domain: string): Promise<boolean> {
    const found = await this.find(name, domain);
    if (!found.ok) throw new SbcError('user-store', `the user ${name}@${domain} could not be looked up`);
    return found.value !== undefined && found.value.barred === undefined;
  }

  #barred({ locked, password }: StoredCredentials): BarredFor | undefined {
    if (locked) return 'locked';
    const { max_age: maxAge, warn_before: warnBefore } = this.#config.passwords;
    const { kind } = passwordStanding(password, this.#clock.wall(), { maxAge, warnBefore });
    return kind === 'expired' ? 'password-expired' : undefined;
  }

  /**
   * Nothing proves this user any more: one of the database until somebody unlocks it, one of the configuration as long as it is among
   * `locked`. Rejects when the database cannot be written.
   */
  async lock(aor: string): Promise<'configured' | 'stored'> {
    const at = aor.lastIndexOf('@');
    if (this.#configured.has(aor)) {
      this.#locked.add(aor);
      return 'configured';
    }
    if ((await this.#database?.setLocked(aor.slice(0, at), aor.slice(at + 1), true)) !== true) {
      throw new SbcError('unknown-user', `there is no user ${aor} to lock`, { aor });
    }
    return 'stored';
  }

  /** What a user says of its media, or its group where it says nothing. Rejects when the database cannot answer. */
  async mediaOf(aor: string): Promise<OwnMedia> {
    if (!this.#configured.has(aor) && this.#hasMedia) this.#groups.note(aor, (await this.#profile(aor))?.group);
    return this.knownMediaOf(aor);
  }

  /** The same by what is known: the group of a user of the database is, since it last proved itself or was called. */
  knownMediaOf(aor: string): OwnMedia {
    const user = this.#configured.get(aor)?.user;
    const name = user?.group ?? this.#groups.of(aor);
    return inheritedMedia(user ?? {}, this.#config.group.find((one) => one.name === name) ?? {});
  }

  /** What a user is held to beyond the password: its own word, or its group's. Rejects when the database cannot answer. */
  async accessOf(aor: string): Promise<UserAccess> {
    if (this.#configured.has(aor) || !this.#hasAccess) return this.configuredAccessOf(aor);
    return this.#accessOfGroup((await this.#profile(aor))?.group);
  }

  /** The same, without asking the database. */
  configuredAccessOf(aor: string): UserAccess {
    const user = this.#configured.get(aor)?.user;
    const group = this.#accessOfGroup(user?.group);
    return { zones: user?.zones ?? group.zones, secondFactor: user?.second_factor ?? group.secondFactor };
  }

  /** Some group holds its users to something. */
  get #hasAccess(): boolean {
    return this.#config.group.some(({ zones, second_factor }) => zones !== undefined || second_factor !== undefined);
  }

  /** Some group says something of its users' media. */
  get #hasMedia(): boolean {
    return this.#config.group.some(speaksOfMedia);
  }

  #accessOfGroup(name: string | undefined): UserAccess {
    const group = this.#config.group.find((one) => one.name === name);
    return { zones: group?.zones ?? [], secondFactor: group?.second_factor ?? 'off' };
  }

  /** Undefined when there is no such user. Rejects when the database cannot answer. */
  async facts(aor: string): Promise<PartyFacts | undefined> {
    const configured = this.#configured.get(aor)?.user;
    const stored = configured === undefined ? await this.#profile(aor) : undefined;
    const own = configured ?? stored?.limits;
    if (own === undefined) return undefined;
    const group = this.#config.group.find((one) => one.name === (configured?.group ?? stored?.group));
    const access = configured === undefined ? this.#accessOfGroup(group?.name) : this.configuredAccessOf(aor);
    const limits = inherit(this.#config.limits, group ?? {}, own);
    return { kind: 'user', name: aor, group: group?.name, limits, access };
  }

  async #profile(aor: string): Promise<StoredProfile | undefined> {
    const at = aor.lastIndexOf('@');
    return this.#database?.profile(aor.slice(0, at), aor.slice(at + 1));
  }
}

/** Limits after inheritance: the last that says something wins. */
export function inherit(defaults: Config['limits'], ...own: readonly OwnLimits[]): PartyLimits {
  const pick = <K extends keyof OwnLimits>(key: K): NonNullable<OwnLimits[K]> | undefined => {
    for (const limits of own.toReversed()) {
      const value = limits[key];
      if (value !== undefined) return value;
    }
    return undefined;
  };
  return {
    concurrentCalls: pick('concurrent_calls') ?? defaults.concurrent_calls,
    direction: pick('direction') ?? defaults.direction,
    maxCallDuration: pick('max_call_duration') ?? defaults.max_call_duration,
    ringTimeout: pick('ring_timeout') ?? defaults.ring_timeout,
    earlyMediaTimeout: pick('early_media_timeout') ?? defaults.early_media_timeout,
  };
}

export function realmOf(config: Config, domain: string): string {
  return config.domain.find((one) => one.name === domain)?.realm ?? domain;
}

/** The secret that an environment variable holds. Throws SbcError `secret-missing`. */
export function secretOf(variable: string, owner: string, environment: NodeJS.ProcessEnv): string {
  const value = environment[variable];
  if (value !== undefined && value !== '') return value;
  throw new SbcError('secret-missing', `${owner}: the environment has no ${variable}`, { variable, owner });
}

function credentialsOf(user: UserConfig, realm: string, environment: NodeJS.ProcessEnv): UserCredentials {
  const accepts = user.algorithms === undefined ? {} : { accepts: user.algorithms };
  if (user.ha1 !== undefined) {
    const ha1 = parseHa1(user.ha1);
    if (!ha1.ok) throw new SbcError('user-secret', `user ${user.name}: ha1: ${ha1.error}`, { user: user.name });
    return { ha1: ha1.value, ...accepts };
  }
  const variable = user.password_env;
  const password = user.password ?? secretOf(variable ?? '', `user ${user.name}`, environment);
  return { ha1: ha1ForAll(user.name, realm, password), ...accepts };
}
