// What a valid configuration asks of the machine that it is to run on: files that can be read, variables that are set. A service
// may have another environment than the shell that asks, so what is missing is a warning and no mistake.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, resolve } from 'node:path';
import { readAuthorities } from '../config/authorities.ts';
import type { ConfigError } from '../config/load.ts';
import { KeyPositions, type Path } from '../config/locate.ts';
import type { CommandContext } from './command.ts';
import type { LoadedConfig } from './config-file.ts';

/** In the order of the file; `name` is how the file is called in them. */
export function missingHere(
  { config, file }: LoadedConfig,
  name: string,
  { environment }: Pick<CommandContext, 'environment'>,
): readonly ConfigError[] {
  const positions = new KeyPositions(readFileSync(file, 'utf8'));
  const found: ConfigError[] = [];
  const warn = (path: Path, message: string | undefined): void => {
    if (message !== undefined) found.push({ file: name, ...positions.find(path), key: keyOf(path), message });
  };
  for (const [index, listener] of config.listener.entries()) {
    for (const key of fileKeys) warn(['listener', index, key], fileFault(dirname(file), listener[key]));
    for (const { certificate, key } of listener.certificates) {
      for (const given of [certificate, key])
        warn(['listener', index, 'certificates'], fileFault(dirname(file), given));
    }
  }
  for (const key of ['networks', 'prices'] as const) {
    warn(['fraud', key], fileFault(dirname(file), config.fraud[key]));
  }
  warn(['store', 'ca'], fileFault(dirname(file), config.store.ca));
  for (const key of ['key_env', 'password_env', 'sentinel_password_env'] as const) {
    const variable = config.store[key];
    const isSet = variable === undefined || (environment[variable] ?? '') !== '';
    warn(['store', key], isSet ? undefined : `the environment here has no ${variable}`);
  }
  const present = networkInterfaces();
  for (const [index, { interfaces }] of config.zone.entries()) {
    for (const one of interfaces) {
      const isHere = (present[one] ?? []).length > 0;
      warn(
        ['zone', index, 'interfaces'],
        isHere ? undefined : `no interface ${one} has an address here: nobody is in it`,
      );
    }
  }
  for (const table of ['pbx', 'trunk', 'user'] as const) {
    for (const [index, { password_env: variable }] of config[table].entries()) {
      const isSet = variable === undefined || variable === '' || (environment[variable] ?? '') !== '';
      warn([table, index, 'password_env'], isSet ? undefined : `the environment here has no ${variable}`);
    }
  }
  return inOrder(found);
}

/** Authorities that are here and name nobody: neither a start nor a reload takes them, on whichever machine. In the order of the file. */
export function authorityMistakes({ config, file }: LoadedConfig, name: string): readonly ConfigError[] {
  const positions = new KeyPositions(readFileSync(file, 'utf8'));
  const named: [Path, string | undefined][] = [
    ...config.listener.flatMap((listener, index): [Path, string | undefined][] =>
      (['client_ca', 'server_ca'] as const).map((key) => [['listener', index, key], listener[key]]),
    ),
    [['store', 'ca'], config.store.ca],
  ];
  const found = named.flatMap(([path, given]): readonly ConfigError[] => {
    if (given === undefined || fileFault(dirname(file), given) !== undefined) return [];
    const read = readAuthorities(resolve(dirname(file), given));
    return read.ok ? [] : [{ file: name, ...positions.find(path), key: keyOf(path), message: read.error.detail }];
  });
  return inOrder(found);
}

const fileKeys = ['certificate', 'key', 'client_ca', 'server_ca'] as const;

function inOrder(found: readonly ConfigError[]): readonly ConfigError[] {
  return found.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function fileFault(directory: string, given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const path = resolve(directory, given);
  if (!existsSync(path)) return `there is no file ${path}`;
  try {
    accessSync(path, constants.R_OK);
    return undefined;
  } catch {
    return `${path} cannot be read by this user`;
  }
}

function keyOf([table, index, key]: Path): string {
  return typeof index === 'string' ? `${table}.${index}` : `${table}[${index}].${key}`;
}
