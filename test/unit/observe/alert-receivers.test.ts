import { createSocket } from 'node:dgram';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SpooledNotice } from '../../../src/observe/alerts/alert-spool.ts';
import { Mail } from '../../../src/observe/alerts/mail.ts';
import { Syslog, syslogLine } from '../../../src/observe/alerts/syslog.ts';
import { signature, Webhook } from '../../../src/observe/alerts/webhook.ts';
import { FakeClock } from '../../support/fake-time.ts';

const notice: SpooledNotice = {
  v: 1,
  id: 'abc123',
  node: 'edge 1',
  kind: 'peer-down',
  severity: 'critical',
  subject: 'trunk:carrier',
  text: 'trunk:carrier does not answer',
  firstAt: 1_767_600_000_000,
  lastAt: 1_767_607_200_000,
  count: 3,
};

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('a webhook', () => {
  async function hook(
    status: number,
    location?: string,
  ): Promise<{ url: string; heard: { headers: unknown; body: string }[] }> {
    const heard: { headers: unknown; body: string }[] = [];
    const server = createHttpServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        heard.push({ headers: request.headers, body });
        response.writeHead(status, location === undefined ? {} : { location }).end();
      });
    });
    return { url: `http://127.0.0.1:${await listening(server)}/alert`, heard };
  }

  test('gets the notice as JSON, signed over time and body', async () => {
    const { url, heard } = await hook(204);
    const clock = new FakeClock();
    await new Webhook({ name: 'ops', url, secret: 'shared', clock }).deliver(notice);
    const [{ headers, body } = { headers: {}, body: '' }] = heard;
    expect(JSON.parse(body)).toEqual(notice);
    const seconds = Math.floor(clock.wall() / 1000);
    expect(headers).toMatchObject({ 'portcullis-signature': `t=${seconds},v1=${signature('shared', seconds, body)}` });
    expect(signature('shared', 1, 'x')).not.toBe(signature('other', 1, 'x'));
  });

  test.each([500, 404, 302])('that answers %i has not taken it, and is not followed elsewhere', async (status) => {
    const elsewhere = await hook(200);
    const { url } = await hook(status, elsewhere.url);
    await expect(
      new Webhook({ name: 'ops', url, secret: 's', clock: new FakeClock() }).deliver(notice),
    ).rejects.toThrow(`answered ${status}`);
    expect(elsewhere.heard).toEqual([]);
  });
});

describe('syslog (RFC 5424)', () => {
  const line = `<82>1 2026-01-05T10:00:00.000Z edge_1 portcullis ${process.pid} peer-down [alert@32473 id="abc123"] trunk:carrier does not answer (3 times)`;

  test('one line with priority, time, host, kind and id', () => {
    expect(syslogLine(notice)).toBe(line);
  });

  test('over UDP', async () => {
    const socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const heard = new Promise<string>((resolve) => socket.once('message', (message) => resolve(message.toString())));
    const { port } = socket.address();
    await new Syslog({ name: 'log', address: { address: '127.0.0.1', port }, transport: 'udp' }).deliver(notice);
    expect(await heard).toBe(line);
  });

  test('over TCP with its length before it (RFC 6587 §3.4.1), and not where nobody listens', async () => {
    let heard = '';
    const server = createServer((socket) => {
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString();
      });
    });
    const port = await listening(server);
    const syslog = new Syslog({ name: 'log', address: { address: '127.0.0.1', port }, transport: 'tcp' });
    await syslog.deliver(notice);
    expect(heard).toBe(`${line.length} ${line}`);
    server.close();
    await expect(syslog.deliver(notice)).rejects.toThrow('ECONNREFUSED');
  });
});

describe('e-mail', () => {
  /** As much of SMTP as a client that sends one message asks for. */
  async function smtp(refuses = false): Promise<{ port: number; lines: string[] }> {
    const lines: string[] = [];
    const server = createServer((socket) => {
      let isBody = false;
      socket.write('220 mail.test\r\n');
      socket.on('data', (chunk: Buffer) => {
        for (const line of chunk.toString().split('\r\n').filter(Boolean)) {
          lines.push(line);
          if (isBody && line !== '.') continue;
          const verb = line.slice(0, 4).toUpperCase();
          isBody = verb === 'DATA';
          if (verb === 'EHLO') socket.write('250 mail.test\r\n');
          else if (isBody) socket.write('354 go on\r\n');
          else if (verb === 'QUIT') socket.end('221 bye\r\n');
          else if (refuses && verb === 'RCPT') socket.write('550 no such user\r\n');
          else socket.write('250 ok\r\n');
        }
      });
    });
    const port = await listening(server);
    return { port, lines };
  }

  const options = {
    name: 'mail',
    host: '127.0.0.1',
    encryption: 'none',
    from: 'sbc@example.com',
    to: ['ops@example.com'],
  } as const;

  test('says what it is about in its subject, and everything in its text', async () => {
    const { port, lines } = await smtp();
    await new Mail({ ...options, port }).deliver(notice);
    const text = lines.join('\n');
    expect(text).toContain('RCPT TO:<ops@example.com>');
    expect(text).toContain('Subject: [edge 1] critical: trunk:carrier does not answer');
    expect(text).toContain('3 times since 2026-01-05T08:00:00.000Z');
  });

  test('that the server refuses, or that would go in clear where encryption was asked for, is not sent', async () => {
    const refusing = await smtp(true);
    await expect(new Mail({ ...options, port: refusing.port }).deliver(notice)).rejects.toThrow('550');
    const plain = await smtp();
    await expect(new Mail({ ...options, port: plain.port, encryption: 'starttls' }).deliver(notice)).rejects.toThrow();
    expect(plain.lines.join('\n')).not.toContain('RCPT');
  });
});
