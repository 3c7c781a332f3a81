import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../../src/core/clock.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { SystemScheduler } from '../../../../src/core/scheduler.ts';
import {
  HepExporter,
  type HepExporterOptions,
  type HepSender,
  hepAtOnce,
  hepGather,
} from '../../../../src/observe/hep/hep-exporter.ts';
import { TcpHepSender, UdpHepSender } from '../../../../src/observe/hep/hep-senders.ts';
import type { WireMessage } from '../../../../src/sip/transport/transport.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

/** Bytes of a chunk before what it says. */
const chunkHead = 6;
const here = { address: '192.0.2.1', port: 5061 };
const phone = { address: '198.51.100.7', port: 40_000 };

function message(text: string, direction: 'in' | 'out' = 'in'): WireMessage {
  return { direction, transport: 'tls', local: here, remote: phone, bytes: Buffer.from(text) };
}

class FakeSender implements HepSender {
  readonly packets: string[] = [];
  readonly failed: (() => void)[] = [];
  room = Number.POSITIVE_INFINITY;
  isClosed = false;

  send(packet: Buffer, onFailed: () => void): boolean {
    if (this.packets.length >= this.room) return false;
    this.packets.push(packet.toString('latin1'));
    this.failed.push(onFailed);
    return true;
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

function exporting(more: Partial<HepExporterOptions> = {}): {
  hep: HepExporter;
  sender: FakeSender;
  scheduler: FakeScheduler;
} {
  const sender = new FakeSender();
  const scheduler = new FakeScheduler();
  const options = {
    sender,
    node: 'edge1',
    captureId: 7,
    password: '',
    withSecrets: false,
    queueBytes: 10_000,
    scheduler,
  };
  return { hep: new HepExporter({ ...options, ...more }), sender, scheduler };
}

describe('messages of a call', () => {
  test('go a moment later, both legs under the Call-ID of the first one', () => {
    const { hep, sender, scheduler } = exporting();
    hep.onSipMessage('leg-a', message('INVITE sip:bob SIP/2.0'));
    hep.belongs('call-1', 'leg-a');
    hep.belongs('call-1', 'leg-b');
    hep.onSipMessage('leg-b', message('INVITE sip:bob@pbx SIP/2.0', 'out'));
    hep.onSipMessage('other', message('REGISTER sip:x SIP/2.0'));
    expect(sender.packets).toEqual([]);
    scheduler.advance(hepGather);
    const correlations = sender.packets.map((packet) => {
      const [, behind = ''] = packet.split('\0\0\0\u0011\0');
      return behind.slice(1, behind.charCodeAt(0) - chunkHead + 1);
    });
    expect(correlations).toEqual(['leg-a', 'leg-a', 'other']);
    expect(hep.counts).toMatchObject({ sent: 3, dropped: { 'queue-full': 0, 'too-large': 0, 'send-failed': 0 } });
    expect(scheduler.pending).toBe(0);
  });

  test('have their secrets written over unless they are asked for', () => {
    const secret =
      'INVITE sip:x SIP/2.0\r\n\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n';
    for (const withSecrets of [false, true]) {
      const { hep, sender, scheduler } = exporting({ withSecrets });
      hep.onSipMessage('a', message(secret));
      scheduler.advance(hepGather);
      expect(sender.packets[0]?.includes('WVNfX19z')).toBe(withSecrets);
    }
  });

  test('are copied, since their bytes belong to the transport', () => {
    const { hep, sender, scheduler } = exporting();
    const bytes = Buffer.from('OPTIONS sip:x SIP/2.0');
    hep.onSipMessage('a', { ...message(''), bytes });
    bytes.fill(0x78);
    scheduler.advance(hepGather);
    expect(sender.packets[0]).toContain('OPTIONS sip:x');
  });

  test('are encoded a few in one turn of the event loop', () => {
    const { hep, sender, scheduler } = exporting();
    for (let index = 0; index < hepAtOnce + 3; index += 1) hep.onSipMessage('a', message(`X${index}`));
    scheduler.advance(hepGather - 1);
    expect(sender.packets).toHaveLength(0);
    scheduler.advance(1);
    expect(sender.packets).toHaveLength(hepAtOnce + 3);
  });
});

describe('what cannot go', () => {
  test('waits while there is no room, up to a bound, and what is beyond it is dropped and counted', () => {
    const { hep, sender, scheduler } = exporting({ queueBytes: 100 });
    sender.room = 0;
    for (let index = 0; index < 30; index += 1) hep.onSipMessage('a', message('0123456789'));
    scheduler.advance(10_000);
    expect(hep.counts).toMatchObject({ sent: 0, dropped: { 'queue-full': 20 } });
    sender.room = 100;
    scheduler.advance(1_000);
    expect(hep.counts.sent).toBe(10);
    hep.onSipMessage('a', message('0123456789'));
    scheduler.advance(hepGather);
    expect(hep.counts.sent).toBe(11);
  });

  test('is counted when it is too large, or was taken and failed', () => {
    const { hep, sender, scheduler } = exporting({ queueBytes: 1_000_000 });
    hep.onSipMessage('a', message('x'.repeat(65_600)));
    hep.onSipMessage('a', message('short'));
    scheduler.advance(hepGather);
    sender.failed[0]?.();
    expect(hep.counts).toEqual({ sent: 0, dropped: { 'queue-full': 0, 'too-large': 1, 'send-failed': 1 } });
  });

  test('at the end is offered once more, and counted; nothing is taken after', async () => {
    const { hep, sender, scheduler } = exporting();
    sender.room = 1;
    hep.onSipMessage('a', message('one'));
    hep.onSipMessage('a', message('two'));
    await hep.close();
    hep.onSipMessage('a', message('three'));
    expect(sender.isClosed).toBe(true);
    expect(hep.counts).toMatchObject({ sent: 1, dropped: { 'send-failed': 1 } });
    expect(scheduler.pending).toBe(0);
  });
});

const scheduler = new SystemScheduler(systemClock, () => {});

describe('on the wire', () => {
  test('a datagram is one packet', async () => {
    const homer = createSocket('udp4');
    onTestFinished(() => void homer.close());
    const received: Buffer[] = [];
    homer.on('message', (bytes) => received.push(bytes));
    await new Promise<void>((resolve) => homer.bind(0, '127.0.0.1', resolve));
    const sender = new UdpHepSender({
      address: { address: '127.0.0.1', port: homer.address().port },
      scheduler,
      logger: silentLogger,
    });
    const { hep } = exporting({ sender, scheduler });
    hep.onSipMessage('a', message('OPTIONS sip:x SIP/2.0'));
    await expect.poll(() => received.length).toBe(1);
    expect(received[0]?.subarray(0, 4).toString()).toBe('HEP3');
    expect(received[0]?.readUInt16BE(4)).toBe(received[0]?.length);
    await hep.close();
  });

  test('a connection that is lost is made again, and what waits goes then', async () => {
    const connections: Socket[] = [];
    const received: string[] = [];
    const homer = createServer((socket) => {
      connections.push(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => received.push(bytes.toString('latin1')));
    });
    onTestFinished(() => void homer.close());
    await new Promise<void>((resolve) => homer.listen(0, '127.0.0.1', resolve));
    const bound = homer.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const sender = new TcpHepSender({ address: { address: '127.0.0.1', port }, scheduler, logger: silentLogger });
    const { hep } = exporting({ sender, scheduler });
    hep.onSipMessage('a', message('first'));
    await expect.poll(() => received.join('')).toContain('first');
    connections[0]?.destroy();
    await expect.poll(() => sender.isConnected).toBe(false);
    hep.onSipMessage('a', message('second'));
    await expect.poll(() => received.join(''), { timeout: 10_000 }).toContain('second');
    expect(connections).toHaveLength(2);
    await hep.close();
  });
});
