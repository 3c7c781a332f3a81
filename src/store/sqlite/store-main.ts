// The entry of the thread that keeps what outlives the process: sealing and the disk keep no call waiting.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import { systemRandom } from '../../core/random.ts';
import { openState, type State } from './state.ts';
import { StateKeeper } from './state-keeper.ts';
import type { StoreReply, StoreRequest, StoreThreadSettings } from './store-protocol.ts';

const { directory, run } = readSettings(workerData);
const port = parentPort;
let opened: { readonly state: State; readonly keeper: StateKeeper } | undefined;

port?.on('message', (request: StoreRequest) => {
  switch (request.type) {
    case 'load':
      load(request.now).then(reply, (thrown: unknown) => {
        const code = thrown instanceof SbcError ? thrown.code : 'database-unusable';
        reply({ type: 'not-loaded', code, error: messageOf(thrown) });
      });
      break;
    case 'write':
      reply(write(request.batch));
      break;
    case 'close':
      opened?.state.close();
      port.close();
      break;
    default:
      request satisfies never;
  }
});

async function load(now: number): Promise<StoreReply> {
  return { type: 'loaded', state: await open().load(now) };
}

/** A file that cannot be opened now may be another time: each batch tries. */
function write(batch: Extract<StoreRequest, { type: 'write' }>['batch']): StoreReply {
  try {
    return { type: 'written', batch: batch.number, unwritable: open().apply(batch) };
  } catch (thrown) {
    return { type: 'not-written', batch: batch.number, error: messageOf(thrown) };
  }
}

function open(): StateKeeper {
  if (opened === undefined) {
    const state = openState(directory, { clock: systemClock, random: systemRandom }, run);
    opened = { state, keeper: new StateKeeper(state) };
  }
  return opened.keeper;
}

function reply(message: StoreReply): void {
  port?.postMessage(message);
}

/** Only `StoreThread` starts this: its types are the contract, this tells a mix-up. */
function readSettings(data: unknown): StoreThreadSettings {
  if (!isSettings(data)) throw new Error('store-main is started by StoreThread');
  return data;
}

function isSettings(data: unknown): data is StoreThreadSettings {
  return typeof data === 'object' && data !== null && 'directory' in data && 'run' in data;
}
