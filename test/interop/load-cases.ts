// Finds the modules of cases/ and checks that each is a case.
import { readdir } from 'node:fs/promises';
import type { Case } from './case.ts';

/** Every case, ordered by file name. Throws when a module is not a case or a name comes twice. */
export async function loadCases(): Promise<Case[]> {
  const folder = new URL('./cases/', import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts')).sort();
  const cases: Case[] = [];
  for (const file of files) {
    const module: unknown = await import(new URL(file, folder).href);
    if (!isCase(module)) throw new Error(`${file} does not export name and run`);
    if (cases.some(({ name }) => name === module.name)) throw new Error(`${file}: the name ${module.name} is taken`);
    cases.push(module);
  }
  return cases;
}

function isCase(module: unknown): module is Case {
  if (typeof module !== 'object' || module === null) return false;
  return 'name' in module && typeof module.name === 'string' && 'run' in module && typeof module.run === 'function';
}
