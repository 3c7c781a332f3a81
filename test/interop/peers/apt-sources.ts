// Finds the Debian mirror that the machine's own apt uses, in one-line and deb822 sources, so that no host is named here.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DebianMirror {
  readonly uri: string;
  /** Key ring file that the machine trusts for it, or undefined when apt's own trust store serves. */
  readonly signedBy?: string | undefined;
}

interface SourceEntry extends DebianMirror {
  readonly suite: string;
}

/** The mirror of the machine's Debian archive (not of its security or third-party archives), or undefined when it has none. */
export function findDebianMirror(etcApt = '/etc/apt'): DebianMirror | undefined {
  const entries = sourceFiles(etcApt).flatMap(({ path, text }) =>
    path.endsWith('.sources') ? parseDeb822(text) : parseOneLine(text),
  );
  const archive = entries.find(
    ({ uri, suite }) =>
      /\/debian\/?$/.test(uri) && /^(?:bookworm|trixie|forky|sid|stable|testing|unstable)$/.test(suite),
  );
  return archive && { uri: archive.uri, ...(archive.signedBy && { signedBy: archive.signedBy }) };
}

function sourceFiles(etcApt: string): { path: string; text: string }[] {
  const parts = join(etcApt, 'sources.list.d');
  const paths = [
    join(etcApt, 'sources.list'),
    ...list(parts)
      .filter((name) => /\.(?:list|sources)$/.test(name))
      .sort()
      .map((name) => join(parts, name)),
  ];
  return paths.flatMap((path) => {
    try {
      return [{ path, text: readFileSync(path, 'utf8') }];
    } catch {
      return []; // a missing or unreadable list is no source
    }
  });
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** `deb [option=value …] URI SUITE COMPONENT…` */
function parseOneLine(text: string): SourceEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)/.exec(line);
    if (match?.[2] === undefined || match[3] === undefined) return [];
    const signedBy = /(?:^|\s)signed-by=(\/\S+)/.exec(match[1] ?? '')?.[1];
    return [{ uri: match[2], suite: match[3], ...(signedBy && { signedBy }) }];
  });
}

/** Paragraphs of `Key: value`, with indented continuation lines. */
function parseDeb822(text: string): SourceEntry[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const fields = new Map<string, string>();
    let last = '';
    for (const line of paragraph.split('\n')) {
      if (line.startsWith('#')) continue;
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (match?.[1] !== undefined) {
        last = match[1].toLowerCase();
        fields.set(last, match[2] ?? '');
      } else if (last !== '') fields.set(last, `${fields.get(last) ?? ''} ${line.trim()}`);
    }
    if (!words(fields.get('types')).includes('deb') || fields.get('enabled')?.trim() === 'no') return [];
    const signedBy = fields.get('signed-by')?.trim();
    return words(fields.get('uris')).flatMap((uri) =>
      words(fields.get('suites')).map((suite) => ({
        uri,
        suite,
        ...(signedBy?.startsWith('/') && { signedBy }),
      })),
    );
  });
}

function words(value: string | undefined): string[] {
  return (value ?? '').split(/\s+/).filter((word) => word !== '');
}
