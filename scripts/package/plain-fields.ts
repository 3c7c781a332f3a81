// Private names (`#name`) as plain properties of the same length (`$name`) in what is built: V8 then finds them without asking for the symbol
// of their class first (docs/decisions/0023-plain-fields-in-the-bundle.md). Only that one character changes, so that lines, columns and source
// maps stay as they are.
import { readFileSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { Options } from 'tsup';
import ts from 'typescript';

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number];

const mark = '$';
const sources = resolve('src') + sep;

/** Rewrites our own sources while the bundle is made, and no package. */
export const plainFields: EsbuildPlugin = {
  name: 'plain-fields',
  setup: (build) => {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) =>
      path.startsWith(sources)
        ? { contents: withPlainFields(path, readFileSync(path, 'utf8')), loader: 'ts' }
        : undefined,
    );
  },
};

/**
 * A class that extends another keeps its private names, since both may have the same one. Throws for what a plain property cannot stand for: a question
 * whether an object has a private name, and a file that has names with our mark already.
 */
export function withPlainFields(file: string, source: string): string {
  return edited(file, source, (tree, node, scope) => {
    if (ts.isIdentifier(node) && node.text.startsWith(mark))
      refuse(tree, node, `"${node.text}" begins as plain fields do`);
    if (!ts.isPrivateIdentifier(node)) return undefined;
    if (ts.isBinaryExpression(node.parent)) refuse(tree, node, `"${node.text} in" cannot be asked of plain fields`);
    return isPlain(node.text, scope) ? { at: node.getStart(tree), skip: 1, text: mark } : undefined;
  });
}

/** For tests: each object that would have plain fields is given to the global `trapFields`, where there is one, before it has any. */
export function withTraps(file: string, source: string): string {
  return edited(file, source, (_tree, node, scope) => {
    const isTrapped = ts.isClassLike(node) && scope?.isPlain === true && hasPrivateField(node);
    return isTrapped
      ? { at: node.members.pos, skip: 0, text: `${mark}trap = globalThis.trapFields?.(this);` }
      : undefined;
  });
}

interface Edit {
  readonly at: number;
  readonly skip: number;
  readonly text: string;
}

/** A class, and those around it. */
interface Scope {
  readonly names: ReadonlySet<string>;
  readonly isPlain: boolean;
  readonly outer: Scope | undefined;
}

function scopeOf(node: ts.ClassLikeDeclaration, outer: Scope | undefined): Scope {
  const names = node.members.flatMap(({ name }) =>
    name !== undefined && ts.isPrivateIdentifier(name) ? [name.text] : [],
  );
  const extended = node.heritageClauses?.some(({ token }) => token === ts.SyntaxKind.ExtendsKeyword) ?? false;
  return { names: new Set(names), isPlain: !extended, outer };
}

/** By the innermost class that has the name (ECMA-262, "PrivateEnvironment"). */
function isPlain(name: string, scope: Scope | undefined): boolean {
  for (let one = scope; one !== undefined; one = one.outer) if (one.names.has(name)) return one.isPlain;
  return false;
}

function hasPrivateField({ members }: ts.ClassLikeDeclaration): boolean {
  return members.some((member) => ts.isPropertyDeclaration(member) && ts.isPrivateIdentifier(member.name));
}

type Editor = (tree: ts.SourceFile, node: ts.Node, scope: Scope | undefined) => Edit | undefined;

/** `edit` is asked of each node, with the class that it is in; of a class, with itself. */
function edited(file: string, source: string, edit: Editor): string {
  if (!source.includes('#')) return source;
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const edits: Edit[] = [];
  visit(tree, undefined);
  return applied(source, edits);

  function visit(node: ts.Node, outer: Scope | undefined): void {
    const scope = ts.isClassLike(node) ? scopeOf(node, outer) : outer;
    const change = edit(tree, node, scope);
    if (change !== undefined) edits.push(change);
    ts.forEachChild(node, (child) => visit(child, scope));
  }
}

function applied(source: string, edits: readonly Edit[]): string {
  let text = '';
  let from = 0;
  for (const { at, skip, text: insert } of edits.toSorted((a, b) => a.at - b.at)) {
    text += source.slice(from, at) + insert;
    from = at + skip;
  }
  return text + source.slice(from);
}

function refuse(tree: ts.SourceFile, node: ts.Node, why: string): never {
  const { line } = tree.getLineAndCharacterOfPosition(node.getStart(tree));
  throw new Error(`${tree.fileName}:${line + 1}: ${why}`);
}
