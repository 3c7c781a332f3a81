// A thread of the program, from what this process kept of it.
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { type KeptProgram, keptProgram, programKey } from './kept-program.ts';

/** `entry`: its first module. Throws where the system has no thread for it. */
export function newThread(entry: URL, options: WorkerOptions): Worker {
  const isKept = keptProgram()?.files.has(entry.href) === true;
  return isKept ? new Worker(textFor(entry), { ...options, eval: true }) : new Worker(entry, options);
}

function textFor({ href }: URL): string {
  return `(${useKept})(${JSON.stringify(programKey)}); import(${JSON.stringify(href)});`;
}

/** Has a thread read what was kept, by its text alone: it uses nothing of this module. What was not kept is read from the disk. */
function useKept(key: string): void {
  const { registerHooks } = process.getBuiltinModule('node:module');
  const { getEnvironmentData } = process.getBuiltinModule('node:worker_threads');
  const isProgram = (value: unknown): value is KeptProgram => typeof value === 'object' && value !== null;
  const kept: unknown = getEnvironmentData(key);
  if (!isProgram(kept)) throw new Error('no program was kept');
  const { files, names } = kept;
  registerHooks({
    resolve: (specifier, context, next) => {
      const isPlace = /^\.{0,2}\//.test(specifier) && context.parentURL !== undefined;
      const named = isPlace ? new URL(specifier, context.parentURL).href : specifier;
      const url = names.get(named) ?? named;
      const file = files.get(url);
      return file === undefined ? next(specifier, context) : { url, format: file.format, shortCircuit: true };
    },
    load: (url, context, next) => {
      const file = files.get(url);
      if (file === undefined) return next(url, context);
      // What is shared with other threads is copied here, as what is read would be.
      return { format: file.format, source: Buffer.from(file.source).toString(), shortCircuit: true };
    },
  });
}
