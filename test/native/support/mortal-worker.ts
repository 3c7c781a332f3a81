// Loaded before the program (--import): the first thread that a process has started, which is its first media worker, is ended by SIGWINCH.
import { syncBuiltinESMExports } from 'node:module';
import threads, { isMainThread } from 'node:worker_threads';

/** For the supervisor, which starts the others as it was started. */
export const workerMortality: readonly string[] = ['--import', import.meta.url];

if (isMainThread) {
  const { Worker } = threads;
  let first: InstanceType<typeof Worker> | undefined;
  threads.Worker = class extends Worker {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given);
      first ??= this;
    }
  };
  syncBuiltinESMExports();
  process.on('SIGWINCH', () => void first?.terminate());
}
