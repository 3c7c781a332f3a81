// Supervisors of processes that serve side by side: each keeps its own running, and what is asked of the program is asked of all.
import type { SupervisedSignal, Supervisor } from './supervisor.ts';

export class SupervisorGroup {
  readonly #supervisors: readonly Pick<Supervisor, 'run' | 'signal'>[];

  constructor(supervisors: readonly Pick<Supervisor, 'run' | 'signal'>[]) {
    this.#supervisors = supervisors;
  }

  /**
   * Resolves with the exit code when none serves any more: the first that is not 0. A process that cannot be kept running (it was never
   * ready) ends the others too; one that was ended in order leaves them alone.
   */
  async run(): Promise<number> {
    const codes = await Promise.all(
      this.#supervisors.map(async (supervisor) => {
        const code = await supervisor.run();
        if (code !== 0) this.signal('SIGTERM');
        return code;
      }),
    );
    return codes.find((code) => code !== 0) ?? 0;
  }

  signal(signal: SupervisedSignal): void {
    for (const supervisor of this.#supervisors) supervisor.signal(signal);
  }
}
