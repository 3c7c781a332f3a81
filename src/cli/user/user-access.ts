// How the user commands reach the database under state_dir, and which user is meant by NAME or NAME@DOMAIN.
import { SbcError } from '../../core/errors.ts';
import { openState } from '../../store/sqlite/state.ts';
import type { UserStore } from '../../store/user-store.ts';
import { actorOf, type CommandContext, UsageError } from '../command.ts';
import { type LoadedConfig, loadConfigFile, stateDirectory } from '../config-file.ts';
import { configOption } from '../config-option.ts';
import { jsonOption } from '../output.ts';

export const userOptions = { config: configOption, json: jsonOption } as const;

/** A user of one of the configured domains. */
export interface UserAddress {
  readonly name: string;
  readonly domain: string;
  readonly realm: string;
  /** `alice@pbx.test`. */
  readonly aor: string;
}

/** Notes what was done, once it was. */
export type Audit = (action: string, subject: string, detail?: string) => void;

/** Runs `work` with the users of the configuration's database, and closes it. */
export async function withUsers<T>(
  config: string | undefined,
  context: CommandContext,
  work: (users: UserStore, loaded: LoadedConfig, audit: Audit) => Promise<T>,
): Promise<T> {
  const loaded = loadConfigFile(config, context);
  const { clock, random } = context;
  const state = openState(stateDirectory(loaded), { clock, random });
  try {
    const actor = actorOf(context);
    return await work(state.users, loaded, (action, subject, detail) =>
      state.audit.append({ actor, action, subject, detail }),
    );
  } finally {
    state.close();
  }
}

/** Without a domain the first one of the configuration is meant. Throws UsageError or SbcError `unknown-domain`. */
export function parseUserAddress(text: string, { config }: LoadedConfig): UserAddress {
  const at = text.lastIndexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const given = at < 0 ? config.domain[0]?.name : text.slice(at + 1).toLowerCase();
  // Whatever else a SIP user part may hold would need escapes in some phone or on some line.
  if (!/^[A-Za-z0-9._+~-]{1,64}$/.test(name)) {
    throw new UsageError(`expected a name of 1 to 64 letters, digits, ". _ + ~ -", got "${name}"`);
  }
  const domain = config.domain.find((one) => one.name.toLowerCase() === given);
  if (domain === undefined) {
    const known = config.domain.map((one) => one.name).join(', ');
    throw new SbcError('unknown-domain', `there is no domain "${given ?? ''}" in the configuration, only ${known}`);
  }
  return { name, domain: domain.name, realm: domain.realm ?? domain.name, aor: `${name}@${domain.name}` };
}

/** The configuration hides a user of the same address in the database. */
export function isConfigured({ name, domain }: UserAddress, { config }: LoadedConfig): boolean {
  return config.user.some((user) => user.name === name && (user.domain ?? config.domain[0]?.name) === domain);
}

export function noSuchUser({ aor }: UserAddress): SbcError {
  return new SbcError('no-such-user', `there is no user ${aor} in the database`, { aor });
}
