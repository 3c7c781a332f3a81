// Users of Asterisk: pjsip.conf (sections of type auth) and sip.conf (peers with a secret), templates included.
import { hashedSecret, type NewSecret } from '../../../store/user-store.ts';
import type { ImportedFile, ImportedUser, ImportFault } from './imported-user.ts';

interface Section {
  readonly name: string;
  readonly line: number;
  readonly isTemplate: boolean;
  /** Values by key in lower case, those of its templates first. */
  readonly values: Map<string, string>;
}

export function readAsterisk(text: string): ImportedFile {
  const faults: ImportFault[] = [];
  const users: ImportedUser[] = [];
  for (const section of sectionsOf(text, faults)) {
    if (section.isTemplate) continue;
    const secret = secretOf(section);
    if (secret === undefined) continue;
    const { values, line } = section;
    const name = values.get('username') ?? values.get('defaultuser') ?? section.name;
    if (secret === 'unreadable') faults.push({ line, message: `[${section.name}]: expected hexadecimal digits` });
    else users.push({ name, realm: values.get('realm'), secret, line });
  }
  return { users, faults };
}

/** Undefined for a section that proves nobody: a transport, an endpoint, a peer without a password. */
function secretOf({ values }: Section): NewSecret | 'unreadable' | undefined {
  const type = values.get('type');
  const [password, hashed] =
    type === 'auth'
      ? [values.get('password'), values.get('md5_cred')]
      : type === undefined || /^(friend|peer|user)$/.test(type)
        ? [values.get('secret'), values.get('md5secret')]
        : [];
  const digest = type === 'auth' ? values.get('password_digest') : undefined;
  if (digest !== undefined) return digestSecret(digest);
  if (hashed !== undefined && hashed !== '') return hashedSecret('MD5', hashed) ?? 'unreadable';
  return password === undefined || password === '' ? undefined : { kind: 'password', password };
}

/** `SHA-256:…`, as newer versions write it. */
function digestSecret(text: string): NewSecret | 'unreadable' {
  const colon = text.indexOf(':');
  return hashedSecret(text.slice(0, Math.max(0, colon)).toUpperCase(), text.slice(colon + 1)) ?? 'unreadable';
}

function sectionsOf(text: string, faults: ImportFault[]): readonly Section[] {
  const sections: Section[] = [];
  const templates = new Map<string, Section>();
  for (const [index, raw] of text.split('\n').entries()) {
    const content = withoutComment(raw).trim();
    if (content === '') continue;
    const line = index + 1;
    if (content.startsWith('[')) {
      const section = headOf(content, line, templates);
      if (section === undefined) {
        faults.push({ line, message: 'expected [NAME], [NAME](!) or [NAME](TEMPLATE)' });
        continue;
      }
      sections.push(section);
      if (section.isTemplate) templates.set(section.name, section);
      continue;
    }
    const equals = content.indexOf('=');
    // An include, or a line of another program.
    if (equals <= 0) continue;
    const value = content.slice(equals + 1).replace(/^>/, '');
    sections.at(-1)?.values.set(content.slice(0, equals).trim().toLowerCase(), value.trim());
  }
  return sections;
}

/** `[alice](base,!)`: a name, templates to begin with, and "!" for a template. */
function headOf(content: string, line: number, templates: ReadonlyMap<string, Section>): Section | undefined {
  const close = content.indexOf(']');
  const name = content.slice(1, close).trim();
  if (close < 0 || name === '') return undefined;
  const rest = content.slice(close + 1).trim();
  if (rest !== '' && !(rest.startsWith('(') && rest.endsWith(')'))) return undefined;
  const marks = rest
    .slice(1, -1)
    .split(',')
    .map((mark) => mark.trim());
  const inherited = marks.flatMap((mark) => [...(templates.get(mark)?.values ?? [])]);
  return { name, line, isTemplate: marks.includes('!'), values: new Map(inherited) };
}

/** A semicolon begins a comment unless it is written "\;". */
function withoutComment(line: string): string {
  for (let at = line.indexOf(';'); at >= 0; at = line.indexOf(';', at + 1)) {
    if (line.charAt(at - 1) !== '\\') return line.slice(0, at).replaceAll('\\;', ';');
  }
  return line.replaceAll('\\;', ';');
}
