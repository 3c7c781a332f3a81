// What a process has to do with the supervisor that runs it: upgrades, and its end when nobody keeps it running.
import { messageOf } from '../core/errors.ts';
import type { Predecessor, UpgradeState } from '../handover/predecessor.ts';
import type { SupervisorChannel } from '../supervisor/channel.ts';
import { type HandingOverParts, heritageOf, predecessorOn } from './handing-over.ts';

export interface SupervisedParts {
  /** Undefined: nobody runs it. */
  readonly channel: SupervisorChannel | undefined;
  /** Why no other process can take its place now; undefined: one can. */
  readonly refusal: () => string | undefined;
  /** It ends in order already, and holds nothing for the next process. */
  readonly isStopping: () => boolean;
  /** Somebody has asked for another process. */
  readonly onAsked: () => void;
  /** What runs is another process's, or the next one's. */
  readonly onLeft: () => void;
}

export class Supervised {
  readonly #parts: SupervisedParts;
  readonly #over = Promise.withResolvers<number>();
  #predecessor: Predecessor | undefined;
  #isOver = false;

  constructor(parts: SupervisedParts) {
    this.#parts = parts;
  }

  get channel(): SupervisorChannel | undefined {
    return this.#parts.channel;
  }

  /** Resolves with an exit code when what runs is another process's, or the next one's. */
  get over(): Promise<number> {
    return this.#over.promise;
  }

  get lastUpgrade(): UpgradeState | undefined {
    return this.#predecessor?.last;
  }

  /** Why no upgrade was begun, or undefined. */
  upgrade(): string | undefined {
    const { channel, refusal, onAsked } = this.#parts;
    if (channel === undefined) return 'no supervisor runs this process (it was started with --no-supervisor)';
    const reason = refusal();
    if (reason !== undefined) return reason;
    this.#predecessor?.asked();
    onAsked();
    channel.send({ type: 'upgrade' });
    return undefined;
  }

  /** It serves: from now on another process may take its place, and it ends when nobody keeps it running. */
  begin(wantsSpare: boolean, parts: HandingOverParts): void {
    const { channel, refusal, isStopping } = this.#parts;
    if (channel === undefined) return;
    this.#predecessor = predecessorOn(channel, parts, { refusal, end: (code) => this.#end(code) });
    void channel.gone.then(async () => {
      if (this.#isOver || isStopping()) return;
      parts.logger.error('supervisor-gone');
      // Whoever is started next takes up the calls as they are now, or as they were kept last.
      await heritageOf(parts)
        .freeze()
        .catch((thrown: unknown) => parts.logger.error('calls-not-kept', { error: messageOf(thrown) }));
      this.#end(1);
    });
    channel.send({ type: 'ready', spare: wantsSpare });
  }

  /** What a process reads at its start may say something else now. */
  changed(): void {
    this.#parts.channel?.send({ type: 'changed' });
  }

  #end(code: number): void {
    this.#isOver = true;
    this.#parts.onLeft();
    this.#over.resolve(code);
  }
}
