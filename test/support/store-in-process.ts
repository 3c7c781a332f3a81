// The thread of the store without a thread: the same requests and answers, each copied and in a later turn, for tests that open many.
import { EventEmitter } from 'node:events';
import type { Clock } from '../../src/core/clock.ts';
import { StoreServer, type StoreThreadSettings } from '../../src/store/sqlite/store-server.ts';
import type { StoreReply, StoreRequest } from '../../src/store/thread/store-protocol.ts';
import type { StoreWorker } from '../../src/store/thread/store-thread.ts';
import { SeededRandom } from './fake-time.ts';

export function inProcess(clock: Clock): (settings: StoreThreadSettings) => StoreWorker {
  return (settings) => new InProcessWorker(settings, clock);
}

class InProcessWorker extends EventEmitter implements StoreWorker {
  readonly #server: StoreServer;

  constructor(settings: StoreThreadSettings, clock: Clock) {
    super();
    this.#server = new StoreServer(settings, { clock, random: new SeededRandom(1) });
  }

  postMessage(request: StoreRequest): void {
    const copy = structuredClone(request);
    setImmediate(() => void this.#handle(copy));
  }

  terminate(): Promise<number> {
    this.emit('exit', 1);
    return Promise.resolve(1);
  }

  async #handle(request: StoreRequest): Promise<void> {
    switch (request.type) {
      case 'open':
        this.#reply(this.#server.open());
        break;
      case 'write':
        this.#reply(this.#server.write(request));
        break;
      case 'close':
        this.#server.close();
        this.emit('exit', 0);
        break;
      default:
        request satisfies never;
    }
  }

  #reply(reply: StoreReply): void {
    this.emit('message', structuredClone(reply));
  }
}
