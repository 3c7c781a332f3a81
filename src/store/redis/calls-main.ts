// The entry of the thread that writes calls to the store that nodes share: sealing and the connection keep no call waiting.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../core/clock.ts';
import { systemRandom } from '../../core/random.ts';
import { SystemScheduler } from '../../core/scheduler.ts';
import { collectAll, settledAfter } from '../../core/settling.ts';
import type { StoreRequest } from '../thread/store-protocol.ts';
import { CallsServer, type CallsThreadSettings } from './calls-server.ts';

const port = parentPort;
// What fails in a timer ends the thread, and another one takes its place.
const scheduler = new SystemScheduler(systemClock, (thrown) => {
  throw thrown;
});
const server = new CallsServer(readSettings(workerData), { scheduler, random: systemRandom });

// Nobody waits for this thread.
setTimeout(collectAll, settledAfter).unref();

port?.on('message', (request: StoreRequest) => void answer(request));

async function answer(request: StoreRequest): Promise<void> {
  switch (request.type) {
    case 'open':
      port?.postMessage(await server.open());
      break;
    case 'write':
      port?.postMessage(await server.write(request));
      break;
    case 'close':
      server.close();
      port?.close();
      break;
    default:
      request satisfies never;
  }
}

/** Only `ThreadedCallWriter` starts this: its types are the contract, this tells a mix-up. */
function readSettings(data: unknown): CallsThreadSettings {
  if (!isSettings(data)) throw new Error('calls-main is started by ThreadedCallWriter');
  return data;
}

function isSettings(data: unknown): data is CallsThreadSettings {
  return typeof data === 'object' && data !== null && 'connection' in data && 'keys' in data;
}
