// The entry of the thread that keeps call records: a disk that is slow to take them keeps no call waiting.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import { CallRecordFile } from './call-record-file.ts';
import type { RecordReply, RecordRequest, RecordThreadSettings } from './call-record-protocol.ts';

const { file, retention } = readSettings(workerData);
const port = parentPort;
let opened: CallRecordFile | undefined;

port?.on('message', (request: RecordRequest) => {
  if (request.type === 'close') {
    opened?.close();
    port.close();
    return;
  }
  const { id, records, now } = request;
  const reply = (error: string | undefined): void => port.postMessage({ id, error } satisfies RecordReply);
  try {
    opened ??= CallRecordFile.open(file);
    opened.add(records, retention, now);
    reply(undefined);
  } catch (thrown) {
    reply(messageOf(thrown));
  }
});

/** Only `CallRecordThread` starts this: its types are the contract, this tells a mix-up. */
function readSettings(data: unknown): RecordThreadSettings {
  if (!isSettings(data)) throw new Error('call-records-main is started by CallRecordThread');
  return data;
}

function isSettings(data: unknown): data is RecordThreadSettings {
  return typeof data === 'object' && data !== null && 'file' in data && 'retention' in data;
}
