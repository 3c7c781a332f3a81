// Users of the configuration and of the database as one: credentials for the gate, limits for policy. A user of the
// configuration hides one of the same address in the database.
import type { Config, UserConfig } from '../config/schema.ts';
import { SbcError } from '../core/errors.ts';
import { ok, type Result } from '../core/result.ts';
import type { PartyFacts, PartyLimits } from '../policy/policy-engine.ts';
import {
  type CredentialStore,
  ha1ForAll,
  parseHa1,
  type StoreFailure,
  type UserCredentials,
} from '../sip/auth/credentials.ts';

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

/** The database of users, when there is one. */
export interface UserDatabase extends CredentialStore {
  profile(name: string, domain: string): Promise<StoredProfile | undefined>;
}

export class Users implements CredentialStore {
  readonly #config: Config;
  readonly #configured = new Map<string, { readonly credentials: UserCredentials; readonly user: UserConfig }>();
  readonly #database: UserDatabase | undefined;

  /** Throws SbcError `user-secret` when a password_env names nothing or an HA1 is malformed. */
  constructor(config: Config, database: UserDatabase | undefined, environment: NodeJS.ProcessEnv) {
    this.#config = config;
    this.#database = database;
    for (const user of config.user) {
      const domain = user.domain ?? config.domain[0]?.name ?? '';
      const credentials = credentialsOf(user, realmOf(config, domain), environment);
      this.#configured.set(`${user.name}@${domain}`, { credentials, user });
    }
  }

  find(name: string, domain: string): Promise<Result<UserCredentials | undefined, StoreFailure>> {
    const configured = this.#configured.get(`${name}@${domain}`);
    if (configured !== undefined) return Promise.resolve(ok(configured.credentials));
    return this.#database === undefined ? Promise.resolve(ok(undefined)) : this.#database.find(name, domain);
  }

  /** Undefined when there is no such user. Rejects when the database cannot answer. */
  async facts(aor: string): Promise<PartyFacts | undefined> {
    const configured = this.#configured.get(aor)?.user;
    const at = aor.lastIndexOf('@');
    const stored =
      configured === undefined ? await this.#database?.profile(aor.slice(0, at), aor.slice(at + 1)) : undefined;
    const own = configured ?? stored?.limits;
    if (own === undefined) return undefined;
    const group = this.#config.group.find((one) => one.name === (configured?.group ?? stored?.group));
    return { kind: 'user', name: aor, limits: inherit(this.#config.limits, group ?? {}, own) };
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
