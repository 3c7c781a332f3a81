// What an endpoint is told of its peer, as plain values for a worker.
import { SbcError } from '../../core/errors.ts';
import { type SrtpKeying, type SrtpSuite, srtpSuites } from '../srtp/profile.ts';
import type { CompactReader, CompactValue } from './compact-list.ts';
import type { KeySlots } from './key-slots.ts';
import type { EndpointRemote, Latching } from './messages.ts';

type Pairs<T> = readonly (readonly [number, T])[];

/** Writes a remote without DTLS; its keys go into `keys`, or beside it where these are full. */
export function writeRemote(list: CompactValue[], remote: Omit<EndpointRemote, 'dtls'>, keys: KeySlots): void {
  const { rtp, rtcp, receive, send, latching, limit, clockRates, codecs } = remote;
  list.push(rtp.address, rtp.port, rtcp?.address, rtcp?.port ?? 0);
  writeKeying(list, receive, keys);
  writeKeying(list, send, keys);
  list.push(
    latchings.indexOf(latching.kind),
    latching.kind === 'window' ? latching.duration : 0,
    remote.awaitLatch === true,
    remote.sending,
    remote.receiving,
    limit?.packetsPerSecond,
    limit?.bytesPerSecond ?? 0,
  );
  writePairs(list, remote.payloadTypes);
  writePairs(list, clockRates);
  writePairs(list, codecs);
}

export function readRemote(list: CompactReader, keys: KeySlots): EndpointRemote {
  const rtp = { address: list.text(), port: list.number() };
  const rtcpAddress = list.optionalText();
  const rtcpPort = list.number();
  const receive = readKeying(list, keys);
  const send = readKeying(list, keys);
  const latching = latchingOf(list.number(), list.number());
  const [awaitLatch, sending, receiving] = [list.flag(), list.flag(), list.flag()];
  const packetsPerSecond = list.optionalNumber();
  const bytesPerSecond = list.number();
  return {
    rtp,
    rtcp: rtcpAddress === undefined ? undefined : { address: rtcpAddress, port: rtcpPort },
    receive,
    send,
    latching,
    ...(awaitLatch ? { awaitLatch } : {}),
    sending,
    receiving,
    limit: packetsPerSecond === undefined ? undefined : { packetsPerSecond, bytesPerSecond },
    payloadTypes: readPairs(list, () => list.number()),
    clockRates: readPairs(list, () => list.number()),
    codecs: readPairs(list, () => list.text()),
  };
}

const latchings = ['authenticated', 'signalled', 'window'] as const satisfies readonly Latching['kind'][];

function latchingOf(kind: number, duration: number): Latching {
  const known = latchings[kind];
  if (known === undefined) throw new SbcError('media-compact-list', `unknown latching ${kind}`);
  return known === 'window' ? { kind: known, duration } : { kind: known };
}

/** -1 for none; the number of the suite, and the slot of the key, or -1 and the key itself. */
function writeKeying(list: CompactValue[], keying: SrtpKeying | undefined, keys: KeySlots): void {
  if (keying === undefined) {
    list.push(-1);
    return;
  }
  const slot = keys.put(keying);
  list.push(srtpSuites.indexOf(keying.suite), slot);
  if (slot < 0) list.push(keying.masterKey, keying.masterSalt);
  else list.push(keying.masterKey.length, keying.masterSalt.length);
}

function readKeying(list: CompactReader, keys: KeySlots): SrtpKeying | undefined {
  const index = list.number();
  if (index < 0) return undefined;
  const suite = suiteOf(index);
  const slot = list.number();
  if (slot < 0) return { suite, masterKey: list.bytes(), masterSalt: list.bytes() };
  return { suite, ...keys.take(slot, list.number(), list.number()) };
}

export function suiteOf(index: number): SrtpSuite {
  const suite = srtpSuites[index];
  if (suite === undefined) throw new SbcError('media-compact-list', `unknown suite ${index}`);
  return suite;
}

function writePairs(list: CompactValue[], pairs: Pairs<number | string> = []): void {
  list.push(pairs.length);
  for (const [key, value] of pairs) list.push(key, value);
}

function readPairs<T>(list: CompactReader, read: () => T): Pairs<T> {
  const count = list.number();
  const pairs: (readonly [number, T])[] = [];
  for (let index = 0; index < count; index += 1) pairs.push([list.number(), read()]);
  return pairs;
}
