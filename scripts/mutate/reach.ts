// Which tests can notice a fault of a file: those that import it, directly or through other files, the nearest first. Imports of
// types are gone when a test runs and lead nowhere.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';

export class Reach {
  readonly #root: string;
  readonly #imports = new Map<string, readonly string[]>();
  readonly #matching = new Map<string, readonly string[]>();
  /** For each test, how many imports lead from it to each file that it reaches. */
  readonly #distances = new Map<string, ReadonlyMap<string, number>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The tests among `patterns` that reach `file`, the nearest first, then the quickest; all paths from the root, with slashes. */
  testsOf(file: string, patterns: readonly string[], millisOf = (_test: string): number => 0): readonly string[] {
    return patterns
      .flatMap((pattern) => this.#filesOf(pattern))
      .flatMap((test) => {
        const distance = this.#distancesFrom(test).get(file);
        return distance === undefined ? [] : [{ test, distance }];
      })
      .sort((a, b) => a.distance - b.distance || millisOf(a.test) - millisOf(b.test) || (a.test < b.test ? -1 : 1))
      .map(({ test }) => test);
  }

  #filesOf(pattern: string): readonly string[] {
    const known = this.#matching.get(pattern);
    if (known !== undefined) return known;
    const files = globSync(pattern, { cwd: this.#root }).map((path) => path.split(sep).join('/'));
    this.#matching.set(pattern, files);
    return files;
  }

  #distancesFrom(test: string): ReadonlyMap<string, number> {
    const known = this.#distances.get(test);
    if (known !== undefined) return known;
    const distances = new Map([[test, 0]]);
    for (const [file, distance] of distances) {
      for (const imported of this.#importsOf(file)) {
        if (!distances.has(imported)) distances.set(imported, distance + 1);
      }
    }
    this.#distances.set(test, distances);
    return distances;
  }

  #importsOf(file: string): readonly string[] {
    const known = this.#imports.get(file);
    if (known !== undefined) return known;
    const path = join(this.#root, file);
    const imports = existsSync(path) ? importsIn(readFileSync(path, 'utf8')) : [];
    const resolved = imports.map((specifier) => posix.join(dirname(file), specifier));
    this.#imports.set(file, resolved);
    return resolved;
  }
}

/** The relative paths of TypeScript files that a text imports, types left out. */
export function importsIn(text: string): readonly string[] {
  const statics = text.matchAll(/^(?:import|export)\s(?!type\b)(?:[^;']*?\sfrom\s)?\s*'(\.[^']+\.ts)'/gm);
  const dynamics = text.matchAll(/\bimport\(\s*'(\.[^']+\.ts)'/g);
  return [...statics, ...dynamics].map(([, specifier]) => specifier ?? '');
}
