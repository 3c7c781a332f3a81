// The messages that each call needs, as plain values: what a worker is told of a session, and the account of one that is over. All
// others cross as objects. Both ends are of one release: the order may change with every one.
import { SbcError } from '../../core/errors.ts';
import { srtpSuites } from '../srtp/profile.ts';
import { type CompactList, CompactReader, type CompactValue, isCompactList } from './compact-list.ts';
import { readRemote, suiteOf, writeRemote } from './compact-remote.ts';
import { dropRecord } from './drop-record.ts';
import type { KeySlots } from './key-slots.ts';
import { dropReasons, type EndpointReport, type OpenedEndpoint, type TrafficCount } from './messages.ts';
import type { SessionCommand, WorkerCommand, WorkerMessage, WorkerRequest } from './worker-protocol.ts';

const kinds = { openSession: 0, openEndpoints: 1, setRemote: 2, join: 3, closeSession: 4, report: 5 } as const;

/** To a worker. Keys of what is told go into `keys`. */
export function packRequest(request: WorkerRequest, keys: KeySlots): WorkerRequest | CompactList {
  return 'command' in request ? packCommand(request, keys) : request;
}

export function unpackRequest(packed: WorkerRequest | CompactList, keys: KeySlots): WorkerRequest {
  if (!isCompactList(packed)) return packed;
  const list = new CompactReader(packed);
  const kind = list.number();
  const [id, session] = [list.number(), list.number()];
  return { id, session, command: readCommand(kind, list, keys) };
}

/** To the plane. */
export function packMessage(message: WorkerMessage): WorkerMessage | CompactList {
  if (message.type !== 'reply' || message.outcome.type !== 'report') return message;
  const { endpoints, captures } = message.outcome.report;
  if (captures !== undefined) return message;
  const list: CompactValue[] = [kinds.report, message.id, endpoints.length];
  for (const endpoint of endpoints) writeReport(list, endpoint);
  return list;
}

export function unpackMessage(packed: WorkerMessage | CompactList): WorkerMessage {
  if (!isCompactList(packed)) return packed;
  const list = new CompactReader(packed);
  const kind = list.number();
  if (kind !== kinds.report) throw unknownKind(kind);
  const id = list.number();
  const endpoints = readEach(list, () => readReport(list));
  return { type: 'reply', id, outcome: { type: 'report', report: { endpoints } } };
}

function packCommand(request: WorkerCommand, keys: KeySlots): WorkerCommand | CompactList {
  const { id, session, command } = request;
  switch (command.type) {
    case 'open-session':
      return [kinds.openSession, id, session];
    case 'open-endpoints': {
      const list: CompactValue[] = [kinds.openEndpoints, id, session, command.endpoints.length];
      for (const { endpoint, address, rtpPort, rtcpPort } of command.endpoints) {
        list.push(endpoint, address, rtpPort, rtcpPort);
      }
      return list;
    }
    case 'set-remote': {
      const { endpoint, remote } = command;
      // Rare, and its terms are of any length.
      if (remote.dtls !== undefined) return request;
      const list: CompactValue[] = [kinds.setRemote, id, session, endpoint];
      writeRemote(list, remote, keys);
      return list;
    }
    case 'join':
      return [kinds.join, id, session, command.a, command.b];
    case 'close-session':
      return [kinds.closeSession, id, session];
    default:
      return request;
  }
}

function readCommand(kind: number, list: CompactReader, keys: KeySlots): SessionCommand {
  switch (kind) {
    case kinds.openSession:
      return { type: 'open-session' };
    case kinds.openEndpoints:
      return { type: 'open-endpoints', endpoints: readEach(list, () => readEndpoint(list)) };
    case kinds.setRemote:
      return { type: 'set-remote', endpoint: list.number(), remote: readRemote(list, keys) };
    case kinds.join:
      return { type: 'join', a: list.number(), b: list.number() };
    case kinds.closeSession:
      return { type: 'close-session' };
    default:
      throw unknownKind(kind);
  }
}

function readEndpoint(list: CompactReader): OpenedEndpoint {
  return {
    endpoint: list.number(),
    address: list.text(),
    rtpPort: list.number(),
    rtcpPort: list.optionalNumber(),
  };
}

function writeReport(list: CompactValue[], report: EndpointReport): void {
  const { received, sent, receivedRtcp, sentRtcp, dropped, latched, suite } = report;
  list.push(
    report.endpoint,
    received.packets,
    received.bytes,
    sent.packets,
    sent.bytes,
    receivedRtcp.packets,
    receivedRtcp.bytes,
    sentRtcp.packets,
    sentRtcp.bytes,
    report.lost,
    report.jitter,
    report.meanOpinionScore,
    report.codec,
    suite === undefined ? -1 : srtpSuites.indexOf(suite),
    report.roundTrip,
    report.oneWay,
    latched?.address,
    latched?.port ?? 0,
  );
  // Mostly none: the reasons that there were, then -1.
  for (const [index, reason] of dropReasons.entries()) if (dropped[reason] > 0) list.push(index, dropped[reason]);
  list.push(-1);
}

function readReport(list: CompactReader): EndpointReport {
  const endpoint = list.number();
  const count = (): TrafficCount => ({ packets: list.number(), bytes: list.number() });
  const [received, sent, receivedRtcp, sentRtcp] = [count(), count(), count(), count()];
  const [lost, jitter] = [list.number(), list.number()];
  const meanOpinionScore = list.optionalNumber();
  const codec = list.optionalText();
  const suite = list.number();
  const roundTrip = list.optionalNumber();
  const oneWay = list.flag();
  const address = list.optionalText();
  const port = list.number();
  return {
    endpoint,
    received,
    sent,
    receivedRtcp,
    sentRtcp,
    dropped: readDrops(list),
    lost,
    jitter,
    meanOpinionScore,
    codec,
    suite: suite < 0 ? undefined : suiteOf(suite),
    roundTrip,
    oneWay,
    latched: address === undefined ? undefined : { address, port },
  };
}

function readDrops(list: CompactReader): EndpointReport['dropped'] {
  const dropped = dropRecord(() => 0);
  for (let index = list.number(); index >= 0; index = list.number()) {
    const reason = dropReasons[index];
    if (reason === undefined) throw new SbcError('media-compact-list', `unknown reason ${index}`);
    dropped[reason] = list.number();
  }
  return dropped;
}

function readEach<T>(list: CompactReader, read: () => T): T[] {
  const count = list.number();
  const all: T[] = [];
  for (let index = 0; index < count; index += 1) all.push(read());
  return all;
}

function unknownKind(kind: number): SbcError {
  return new SbcError('media-compact-list', `unknown kind ${kind}`);
}
