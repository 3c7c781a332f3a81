// Counts, for each folder, where a rule or a type is overruled: ignored lints, expected errors, casts, non-null assertions.
import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import ts from 'typescript';
import { root } from '../process.ts';
import { aboveCeiling, type Ratchet } from './ratchet-file.ts';

const comments = {
  'biome-ignore': /\bbiome-ignore\b/g,
  'eslint-disable': /\beslint-disable\b/g,
  'ts-expect-error': /@ts-(?:expect-error|ignore|nocheck)\b/g,
} as const;

/** Suppressions by folder and kind; zeros are left out. */
export function countSuppressions(): Ratchet['suppressions'] {
  const found: Record<string, Record<string, number>> = {};
  const files = globSync(['{src,test,bench,demo,scripts}/**/*.ts', '{scripts,bin}/**/*.js', '*.{ts,js}'], {
    cwd: root,
  });
  for (const file of files.map((name) => name.split(sep).join('/')).sort()) {
    const kinds = suppressionsIn(file, readFileSync(join(root, file), 'utf8'));
    for (const [kind, count] of kinds) {
      const folder = folderOf(file);
      found[folder] ??= {};
      found[folder][kind] = (found[folder][kind] ?? 0) + count;
    }
  }
  return found;
}

/** The suppressions of one file, by kind. */
export function suppressionsIn(file: string, text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const add = (kind: string, count: number) => {
    if (count > 0) found.set(kind, (found.get(kind) ?? 0) + count);
  };
  // Looked for in comments only: this very file names them in strings.
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const prose = commentsOf(tree, text);
  for (const [kind, pattern] of Object.entries(comments)) add(kind, prose.match(pattern)?.length ?? 0);
  const visit = (node: ts.Node): void => {
    if ((ts.isAsExpression(node) || ts.isTypeAssertionExpression(node)) && !ts.isConstTypeReference(node.type))
      add('cast', 1);
    if (ts.isNonNullExpression(node)) add('non-null', 1);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

function commentsOf(tree: ts.SourceFile, text: string): string {
  const ranges = new Map<number, ts.CommentRange>();
  const visit = (node: ts.Node): void => {
    for (const range of ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []) ranges.set(range.pos, range);
    for (const range of ts.getTrailingCommentRanges(text, node.getEnd()) ?? []) ranges.set(range.pos, range);
    for (const child of node.getChildren(tree)) visit(child);
  };
  visit(tree);
  return [...ranges.values()].map(({ pos, end }) => text.slice(pos, end)).join('\n');
}

function folderOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  if (!file.includes('/')) return '.';
  return (top === 'src' || top === 'test') && !second.includes('.') ? `${top}/${second}` : top;
}

if (import.meta.main) {
  const above = aboveCeiling(countSuppressions());
  for (const line of above) console.log(line);
  if (above.length > 0) console.log('take it back, or give a reason: npm run ratchet -- --reason "…"');
  process.exitCode = above.length === 0 ? 0 : 1;
}
