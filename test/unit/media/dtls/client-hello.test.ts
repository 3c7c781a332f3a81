import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readClientHello, writeHelloVerifyRequest } from '../../../../src/media/dtls/client-hello.ts';
import { clientHello } from '../../../support/fake-dtls.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const memory = plainMemory(4096);
const read = (bytes: Uint8Array) => {
  memory.bytes.fill(0);
  memory.bytes.set(bytes, 128);
  return readClientHello(memory, 128, bytes.length);
};

test('a ClientHello is found with its random and cookie (RFC 6347 §4.2.1)', () => {
  expect(read(clientHello(7))).toEqual({ sequence: 133, random: 155, cookie: 189, cookieBytes: 0 });
  expect(read(clientHello(7, new Uint8Array(20)))).toMatchObject({ cookieBytes: 20 });
});

test.each([
  ['another record', 0, 21],
  ['no DTLS', 1, 3],
  ['an encrypted epoch', 4, 1],
  ['another message', 13, 2],
  ['a later fragment', 21, 1],
  ['a record longer than the datagram', 11, 1],
  ['a session id beyond the end', 59, 255],
  ['a cookie beyond the end', 60, 255],
])('%s is none', (_name, at, byte) => {
  const bytes = clientHello(7);
  bytes[at] = byte;
  expect(read(bytes)).toBeUndefined();
});

test('any bytes are read without a fault, and a cookie lies within the datagram', () => {
  const some = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.nat(99), fc.nat(255), fc.nat(120)).map(([at, byte, cut]) => {
      const bytes = clientHello(7, new Uint8Array(20));
      bytes[at % bytes.length] = byte;
      return bytes.slice(0, bytes.length - (cut % 90));
    }),
  );
  fc.assert(
    fc.property(some, (bytes) => {
      const hello = read(bytes);
      return hello === undefined || hello.cookie + hello.cookieBytes <= 128 + bytes.length;
    }),
  );
});

test('the answer carries the sequence number of the question and is shorter (RFC 6347 §4.2.1)', () => {
  const bytes = clientHello(7);
  const hello = read(bytes);
  if (hello === undefined) throw new Error('no ClientHello');
  const length = writeHelloVerifyRequest(memory, hello, new Uint8Array(20).fill(5), 2048);
  expect(length).toBeLessThan(bytes.length);
  const hex = Buffer.from(memory.bytes.slice(2048, 2048 + length)).toString('hex');
  expect(hex).toBe(`16feff00000000000000090023030000170000000000000017feff14${'05'.repeat(20)}`);
});
