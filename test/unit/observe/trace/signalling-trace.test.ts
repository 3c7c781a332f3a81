import { describe, expect, test } from 'vitest';
import { MessageRing } from '../../../../src/observe/trace/message-ring.ts';
import { SignallingTrace } from '../../../../src/observe/trace/signalling-trace.ts';
import type { WireMessage } from '../../../../src/sip/transport/transport.ts';

const local = { address: '192.0.2.1', port: 5061 };
const remote = { address: '198.51.100.7', port: 40_000 };

function message(callId: string, padding = 0): WireMessage {
  const bytes = Buffer.from(`OPTIONS sip:x SIP/2.0\r\nCall-ID: ${callId}\r\nX: ${'x'.repeat(padding)}\r\n\r\n`);
  return { direction: 'in', transport: 'tls', local, remote, bytes };
}

function tracer(memory = 100_000, calls?: number): { trace: SignallingTrace; tick: () => void } {
  let wall = 1_000;
  const trace = new SignallingTrace({ memory, calls, clock: { now: () => 0, wall: () => wall } });
  return {
    trace,
    tick: () => {
      wall += 10;
    },
  };
}

function texts(messages: readonly { readonly bytes: Uint8Array }[]): readonly string[] {
  return messages.map(({ bytes }) => Buffer.from(bytes).toString());
}

describe('a trace', () => {
  test('finds the messages of every dialog of a call, in the order of time', () => {
    const { trace, tick } = tracer();
    for (const callId of ['a-leg', 'b-leg', 'a-leg', 'other']) {
      trace.onSipMessage(callId, message(callId));
      tick();
    }
    trace.belongs('call-1', 'a-leg');
    trace.belongs('call-1', 'b-leg');
    trace.onSipMessage('b-leg', message('b-leg'));
    const found = texts(trace.messagesOf('call-1')).map((text) => /Call-ID: (\S+)/.exec(text)?.[1]);
    expect(found).toEqual(['a-leg', 'b-leg', 'a-leg', 'b-leg']);
    expect(trace.messagesOf('other')).toHaveLength(1);
    expect(trace.messagesOf('call-2')).toEqual([]);
  });

  test('a flood of strangers does not write over the messages of calls', () => {
    const { trace } = tracer(10_000);
    trace.onSipMessage('mine', message('mine'));
    trace.belongs('call-1', 'mine');
    for (let index = 0; index < 5_000; index += 1) trace.onSipMessage(`s${index}`, message(`s${index}`, 200));
    expect(trace.messagesOf('call-1')).toHaveLength(1);
    expect(trace.messagesOf('s4999')).toHaveLength(1);
    expect(trace.messagesOf('s0')).toEqual([]);
  });

  test('a flood with the Call-ID of a call does not write over the messages of other calls', () => {
    const { trace } = tracer(10_000);
    trace.belongs('call-1', 'mine');
    trace.onSipMessage('mine', message('mine'));
    for (let index = 0; index < 200; index += 1) trace.onSipMessage('theirs', message('theirs', 100));
    trace.belongs('call-2', 'theirs');
    for (let index = 0; index < 200; index += 1) trace.onSipMessage('theirs', message('theirs', 100));
    expect(trace.messagesOf('call-1')).toHaveLength(1);
    expect(trace.messagesOf('call-2').length).toBeGreaterThan(10);
  });

  test('a message is told once, whether it came before or after its call was known', () => {
    const { trace } = tracer();
    trace.onSipMessage('leg', message('leg'));
    trace.belongs('call-1', 'leg');
    for (let index = 0; index < 100; index += 1) trace.onSipMessage('leg', message('leg', 100));
    expect(trace.messagesOf('call-1')).toHaveLength(101);
  });

  test('a leg that another call takes over is in both, and forgotten with the later one', () => {
    const { trace } = tracer(100_000, 1);
    trace.belongs('call-1', 'leg');
    trace.onSipMessage('leg', message('leg'));
    trace.belongs('call-2', 'leg');
    trace.onSipMessage('leg', message('leg'));
    expect(trace.messagesOf('call-2')).toHaveLength(2);
    trace.belongs('call-3', 'third');
    trace.onSipMessage('leg', message('leg'));
    expect(trace.messagesOf('call-2')).toEqual([]);
  });

  test('a Call-ID of the same hash is told apart by what the message says', () => {
    const { trace } = tracer();
    // Two words with one FNV-1a hash of 32 bits.
    const [one, other] = ['costarring', 'liquid'];
    trace.onSipMessage(one, message(one));
    trace.onSipMessage(other, message(other));
    expect(texts(trace.messagesOf(one))).toEqual([expect.stringContaining(one)]);
  });
});

describe('the ring', () => {
  const entry = (text: string) => ({ ...message(''), at: 1, bytes: Buffer.from(text) });

  test('gives back what was written last, byte for byte, however often it went round', () => {
    const ring = new MessageRing(1_000);
    const textOf = (index: number): string => `${index}:`.padEnd(50 + (index % 97), '.');
    for (let index = 0; index < 997; index += 1) ring.write(index % 3, entry(textOf(index)));
    const left = [0, 1, 2].flatMap((key) => texts(ring.read(key)));
    expect(left.length).toBeGreaterThan(3);
    for (const text of left) expect(text).toBe(textOf(Number(text.split(':')[0])));
    expect(left).toContain(textOf(996));
  });

  test('keeps nothing that is larger than itself, and copies what it keeps', () => {
    const ring = new MessageRing(300);
    ring.write(1, entry('x'.repeat(301)));
    expect(ring.read(1)).toEqual([]);
    const bytes = Buffer.from('abc');
    ring.write(1, { ...entry(''), bytes });
    bytes.fill(0);
    expect(texts(ring.read(1))).toEqual(['abc']);
  });
});
