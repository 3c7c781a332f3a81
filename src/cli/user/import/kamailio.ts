// Users of Kamailio or OpenSIPS: the table `subscriber` as CSV, columns by the names of its first line.
import { hashedSecret, type NewSecret } from '../../../store/user-store.ts';
import type { ImportedFile, ImportedUser, ImportFault } from './imported-user.ts';

export function readKamailio(text: string): ImportedFile {
  const [head, ...rows] = linesOf(text);
  const columns = head?.fields.map((name) => name.trim().toLowerCase()) ?? [];
  const [name, domain] = [columns.indexOf('username'), columns.indexOf('domain')];
  if (name < 0) return { users: [], faults: [{ line: 1, message: 'expected a first line with a column "username"' }] };
  const faults: ImportFault[] = [];
  const users: ImportedUser[] = [];
  for (const { line, fields } of rows) {
    if (fields.length !== columns.length) {
      faults.push({ line, message: `expected ${columns.length} columns, got ${fields.length}` });
      continue;
    }
    const cell = (column: string): string => fields[columns.indexOf(column)] ?? '';
    const secret = secretOf(cell);
    if (secret === undefined) faults.push({ line, message: 'neither a password nor an HA1 that can be read' });
    else {
      const realm = fields[domain] === '' ? undefined : fields[domain];
      users.push({ name: fields[name] ?? '', domain: realm, realm, secret, line });
    }
  }
  return { users, faults };
}

/** The password where there is one; else the hash, which is of the domain. `ha1b` is of user@domain, which nothing here uses. */
function secretOf(cell: (column: string) => string): NewSecret | undefined {
  const password = cell('password');
  if (password !== '') return { kind: 'password', password };
  return hashedSecret('SHA-256', cell('ha1_sha256')) ?? hashedSecret('MD5', cell('ha1'));
}

interface CsvLine {
  readonly line: number;
  readonly fields: readonly string[];
}

/** RFC 4180, with commas or, where the first line has them, tabs. */
function linesOf(text: string): readonly CsvLine[] {
  const firstEnd = text.indexOf('\n');
  const separator = text.slice(0, firstEnd < 0 ? text.length : firstEnd).includes('\t') ? '\t' : ',';
  const lines: CsvLine[] = [];
  let fields: string[] = [];
  let field = '';
  let isQuoted = false;
  let line = 1;
  let began = 1;
  const endLine = (): void => {
    fields.push(field);
    if (fields.length > 1 || field.trim() !== '') lines.push({ line: began, fields });
    fields = [];
    field = '';
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '\n') line += 1;
    if (isQuoted) {
      if (character !== '"') field += character;
      else if (text.charAt(at + 1) !== '"') isQuoted = false;
      else {
        field += '"';
        at += 1;
      }
    } else if (character === '"' && field === '') isQuoted = true;
    else if (character === separator) {
      fields.push(field);
      field = '';
    } else if (character === '\n') {
      endLine();
      began = line;
    } else if (character !== '\r') field += character;
  }
  endLine();
  return lines;
}
