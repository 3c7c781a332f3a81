// The entry of the thread that keeps what outlives the process: sealing and the disk keep no call waiting.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../core/clock.ts';
import { systemRandom } from '../../core/random.ts';
import { collectAll, settledAfter } from '../../core/settling.ts';
import type { StoreRequest } from '../thread/store-protocol.ts';
import { StoreServer, type StoreThreadSettings } from './store-server.ts';

const port = parentPort;
const server = new StoreServer(readSettings(workerData), { clock: systemClock, random: systemRandom });

// Nobody waits for this thread.
setTimeout(collectAll, settledAfter).unref();

port?.on('message', (request: StoreRequest) => {
  switch (request.type) {
    case 'open':
      port.postMessage(server.open());
      break;
    case 'write':
      port.postMessage(server.write(request));
      break;
    case 'close':
      server.close();
      port.close();
      break;
    default:
      request satisfies never;
  }
});

/** Only `openSqliteStores` starts this: its types are the contract, this tells a mix-up. */
function readSettings(data: unknown): StoreThreadSettings {
  if (!isSettings(data)) throw new Error('store-main is started by openSqliteStores');
  return data;
}

function isSettings(data: unknown): data is StoreThreadSettings {
  return typeof data === 'object' && data !== null && 'directory' in data && 'run' in data;
}
