// From a TOML file to a `Config`: every mistake at once, each with file, line, column, what was expected and what came.
import { readFileSync, statSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import type * as z from 'zod';
import { messageOf } from '../core/errors.ts';
import { err, ok, type Result } from '../core/result.ts';
import { crossChecks } from './cross-checks.ts';
import { reservedKey, reservedValue } from './later.ts';
import { KeyPositions, type Path } from './locate.ts';
import { type Config, readableTables, schema } from './schema.ts';

export interface ConfigError {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `user[1].password`; empty for a mistake in the TOML itself. */
  readonly key: string;
  readonly message: string;
}

/** Largest file that is read. */
export const maxConfigBytes = 16_777_216;

export function loadConfig(file: string): Result<Config, readonly ConfigError[]> {
  let source: string;
  try {
    if (statSync(file).size > maxConfigBytes) return err([wholeFile(file, `is larger than ${maxConfigBytes} bytes`)]);
    source = readFileSync(file, 'utf8');
  } catch (thrown) {
    return err([wholeFile(file, `cannot be read: ${messageOf(thrown)}`)]);
  }
  return readConfig(source, file);
}

/** `file` is only named in errors. */
export function readConfig(text: string, file: string): Result<Config, readonly ConfigError[]> {
  // Editors of other systems begin a file with a byte order mark.
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  let document: unknown;
  try {
    document = parse(source);
  } catch (thrown) {
    return err([syntaxError(file, thrown)]);
  }
  // Each table is read once, and code that is made for it would cost more than it saves.
  const parsed = schema.safeParse(document, { reportInput: true, jitless: true });
  const findings = crossChecks(parsed.success ? parsed.data : readableTables.parse(document));
  if (parsed.success && findings.length === 0) return ok(parsed.data);
  const positions = new KeyPositions(source);
  const errorAt = (path: Path, message: string): ConfigError => ({
    file,
    ...positions.find(path),
    key: keyText(path),
    message,
  });
  const issues = parsed.success ? [] : parsed.error.issues;
  return err(
    inOrder([
      ...issues.flatMap((issue) => issueErrors(issue, errorAt)),
      ...findings.map(({ path, message }) => errorAt(path, message)),
    ]),
  );
}

/** One line for people: `portcullis.toml:12:1: user[0].name: …`. */
export function formatConfigError({ file, line, column, key, message }: ConfigError): string {
  return `${file}:${line}:${column}: ${key === '' ? '' : `${key}: `}${message}`;
}

function wholeFile(file: string, message: string): ConfigError {
  return { file, line: 1, column: 1, key: '', message };
}

function syntaxError(file: string, thrown: unknown): ConfigError {
  if (!(thrown instanceof TomlError)) return wholeFile(file, messageOf(thrown));
  const [message = 'not valid TOML'] = thrown.message.split('\n');
  return { file, line: thrown.line, column: thrown.column, key: '', message };
}

function issueErrors(
  issue: z.core.$ZodIssue,
  errorAt: (path: Path, message: string) => ConfigError,
): readonly ConfigError[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => errorAt([...path, key], reservedKey(path, key) ?? `unknown key "${key}"`));
  }
  const later = reservedValue(path, issue.input);
  if (later !== undefined) return [errorAt(path, later)];
  if (issue.input === undefined) return [errorAt(path, `is missing: ${plain(issue.message).replace(notThere, '')}`)];
  return [errorAt(path, `${plain(issue.message)}${received(issue)}`)];
}

const notThere = ', received undefined';

/** What came, where the message does not say so. A secret is never repeated. */
function received(issue: z.core.$ZodIssue): string {
  const { input } = issue;
  if (issue.message.includes('received') || issue.message.includes(', got ')) return '';
  if (issue.path.some((part) => part === 'password' || part === 'ha1') || typeof input === 'object') return '';
  return `, got ${JSON.stringify(input)}`;
}

function plain(message: string): string {
  const [, what = message] =
    /^(?:Invalid input|Invalid option|Invalid string|Too big|Too small): (.*)$/s.exec(message) ?? [];
  return what;
}

function keyText(path: Path): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}

function inOrder(errors: readonly ConfigError[]): readonly ConfigError[] {
  return errors.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
