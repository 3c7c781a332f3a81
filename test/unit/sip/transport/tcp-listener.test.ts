// What a TCP peer may do to a listener, and what it gets: framing, keep-alives, time limits, bounds, broken connections.
import { afterEach, describe, expect, test } from 'vitest';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { responseTo } from '../../../../src/sip/message/message.ts';
import { request, response } from '../../../support/sip-messages.ts';
import { closeAll, connectPeer, onFlow, openSite, type Peer, type Site, send, wire } from './transport-kit.ts';

const options = request('OPTIONS', { protocol: 'TCP', headers: [['Content-Length', '0']] });

afterEach(closeAll);

/** A peer whose first request has arrived. */
async function spokenPeer(
  site: Site,
): Promise<{ readonly peer: Peer; readonly arrived: Awaited<ReturnType<Site['upstairs']['request']>> }> {
  const peer = await connectPeer(site.port);
  peer.write(wire(options));
  return { peer, arrived: await site.upstairs.request() };
}

describe('messages over TCP (RFC 3261 §18.3)', () => {
  test('arrive with the flow they came by, and where they came from in the Via (§18.2.1)', async () => {
    const site = await openSite();
    const { peer, arrived } = await spokenPeer(site);
    const { message, flow } = arrived;
    expect(flow).toMatchObject({
      listener: 'main',
      network: 'outside',
      transport: 'tcp',
      reliable: true,
      secure: false,
    });
    expect(flow.local).toEqual({ address: '127.0.0.1', port: site.port });
    expect(flow.remote).toEqual({ address: '127.0.0.1', port: peer.socket.localPort });
    expect(flow.peerNames).toEqual([]);
    expect(message.headers.get('Via')).toContain('received=127.0.0.1');
    expect(site.transports.isAlive(flow)).toBe(true);
    expect(site.transports.connections).toBe(1);
  });

  test('are cut from the stream wherever it is split', async () => {
    const site = await openSite();
    const peer = await connectPeer(site.port);
    const bytes = wire(options);
    for (const byte of bytes) {
      peer.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    peer.write(Buffer.concat([bytes, bytes, bytes.subarray(0, 10)]));
    for (let count = 0; count < 3; count += 1) expect((await site.upstairs.request()).message.method).toBe('OPTIONS');
    peer.write(bytes.subarray(10));
    expect((await site.upstairs.request()).message.method).toBe('OPTIONS');
  });

  test('go out over the same connection, in order', async () => {
    const site = await openSite();
    const { peer, arrived } = await spokenPeer(site);
    for (const status of [100, 180, 200]) {
      const sent = await send(site.transports, response(arrived.message, status), onFlow(arrived.flow));
      expect(sent).toEqual({ error: undefined, flow: arrived.flow });
    }
    const text = (await peer.read('200 OK')) + (await peer.read('\r\n\r\n'));
    expect(text.match(/SIP\/2\.0 \d+/g)).toEqual(['SIP/2.0 100', 'SIP/2.0 180', 'SIP/2.0 200']);
  });

  test('that cannot be parsed are reported, and the connection goes on while its framing holds', async () => {
    const site = await openSite();
    const peer = await connectPeer(site.port);
    peer.write('OPTIONS sip:bob@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n');
    expect((await site.upstairs.unparsable.next()).error.status).toBe(400);
    peer.write(wire(options));
    await site.upstairs.request();
  });

  test('without Content-Length end the connection, after the answer has gone out (§18.3)', async () => {
    const site = await openSite();
    site.upstairs.onNoise = (error, flow) => {
      const { answerable } = error;
      if (answerable !== undefined) site.transports.send(responseTo(answerable, error.status), onFlow(flow), () => {});
    };
    const peer = await connectPeer(site.port);
    const text = Buffer.from(wire(options))
      .toString()
      .replace(/Content-Length: 0\r\n/, '');
    peer.write(text);
    expect(await peer.read('\r\n\r\n')).toContain('SIP/2.0 400');
    await peer.closed;
    expect(site.transports.isAlive(await site.upstairs.closed.next())).toBe(false);
  });
});

describe('keep-alives (RFC 5626 §4.4.1)', () => {
  test('CRLFCRLF between messages is answered by CRLF', async () => {
    const site = await openSite();
    const { peer } = await spokenPeer(site);
    peer.write('\r\n\r\n');
    expect(await peer.read('\r\n')).toBe('\r\n');
    expect(peer.text).toBe('');
  });

  test('many that come together get one answer', async () => {
    const site = await openSite();
    const { peer, arrived } = await spokenPeer(site);
    peer.write('\r\n\r\n'.repeat(1_000));
    await peer.read('\r\n');
    site.transports.send(response(arrived.message, 200), onFlow(arrived.flow), () => {});
    expect((await peer.read('SIP/2.0')).length).toBeLessThan(100);
  });

  test('one that comes in two halves is no unfinished message', async () => {
    const site = await openSite({}, { messageTimeout: 1_000 });
    const { peer, arrived } = await spokenPeer(site);
    peer.write('\r\n\r\n\r');
    await peer.read('\r\n');
    site.scheduler.advance(500);
    peer.write('\n\r\n');
    await peer.read('\r\n');
    site.scheduler.advance(5_000);
    expect(site.transports.isAlive(arrived.flow)).toBe(true);
  });
});

describe('time limits', () => {
  test('whoever connects and says nothing is cut off; keep-alives are nothing', async () => {
    const site = await openSite({}, { firstMessageTimeout: 10_000 });
    const peer = await connectPeer(site.port);
    peer.write('\r\n\r\n');
    await peer.read('\r\n');
    site.scheduler.advance(9_999);
    peer.write('\r\n\r\n');
    await peer.read('\r\n');
    site.scheduler.advance(1);
    await peer.closed;
    await site.upstairs.closed.next();
    expect(site.scheduler.pending).toBe(0);
    expect(site.transports.refused.get('message-late')).toBe(1);
  });

  test('whoever dribbles a first message is cut off', async () => {
    const site = await openSite({}, { firstMessageTimeout: 10_000 });
    const peer = await connectPeer(site.port);
    for (const byte of wire(options).subarray(0, 30)) {
      peer.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
      site.scheduler.advance(300);
    }
    site.scheduler.advance(1_000);
    await peer.closed;
  });

  test('a message that was begun must end in time, and the next one has its own time', async () => {
    const site = await openSite({}, { messageTimeout: 10_000 });
    const { peer, arrived } = await spokenPeer(site);
    const bytes = wire(options);
    peer.write(Buffer.concat([bytes, bytes.subarray(0, 20)]));
    await site.upstairs.request();
    site.scheduler.advance(9_000);
    peer.write(Buffer.concat([bytes.subarray(20), bytes.subarray(0, 20)]));
    await site.upstairs.request();
    site.scheduler.advance(9_999);
    expect(site.transports.isAlive(arrived.flow)).toBe(true);
    site.scheduler.advance(1);
    await peer.closed;
  });

  test('whoever is never served is cut off, whatever it keeps sending', async () => {
    const site = await openSite({}, { unservedTimeout: 60_000 });
    const { peer, arrived } = await spokenPeer(site);
    for (let minute = 0; minute < 2; minute += 1) {
      site.transports.send(response(arrived.message, 401), onFlow(arrived.flow), () => {});
      await peer.read('401');
      peer.write(wire(options));
      await site.upstairs.request();
      site.scheduler.advance(29_999);
    }
    expect(site.transports.isAlive(arrived.flow)).toBe(true);
    site.scheduler.advance(2);
    await peer.closed;
    expect(site.transports.refused.get('unserved')).toBe(1);
  });

  test.each([
    ['a 2xx', response(options, 200)],
    ['a request of ours', request('INVITE', { protocol: 'TCP' })],
  ])('%s makes a peer one that may be silent until the idle limit', async (_what, message) => {
    const site = await openSite({}, { unservedTimeout: 60_000, idleTimeout: 7_200_000 });
    const { peer, arrived } = await spokenPeer(site);
    site.transports.send(message, onFlow(arrived.flow), () => {});
    await peer.read('\r\n\r\n');
    site.scheduler.advance(7_199_999);
    expect(site.transports.isAlive(arrived.flow)).toBe(true);
    peer.write('\r\n\r\n');
    await peer.read('\r\n');
    site.scheduler.advance(7_199_999);
    expect(site.transports.isAlive(arrived.flow)).toBe(true);
    site.scheduler.advance(1);
    await peer.closed;
    await site.upstairs.closed.next();
    expect(site.scheduler.pending).toBe(0);
  });
});

describe('bounds', () => {
  test('one address may hold so many connections, freed when they end', async () => {
    const site = await openSite({}, { connectionsPerAddress: 2 });
    const first = await spokenPeer(site);
    await spokenPeer(site);
    const third = await connectPeer(site.port);
    await third.closed;
    expect(site.transports.refused.get('too-many-connections')).toBe(1);
    first.peer.socket.destroy();
    await site.upstairs.closed.next();
    await spokenPeer(site);
  });

  test('all addresses together may hold so many connections', async () => {
    const site = await openSite({}, { connections: 1 });
    await spokenPeer(site);
    await (await connectPeer(site.port)).closed;
    expect(site.transports.connections).toBe(1);
  });

  test('whoever does not read what it asks for is cut off at the bound, and the sender is told', async () => {
    const site = await openSite({}, { sendQueueBytes: 100_000 });
    const { peer, arrived } = await spokenPeer(site);
    peer.socket.pause();
    const large = { ...response(arrived.message, 200), body: new Uint8Array(60_000) };
    const errors: string[] = [];
    for (let count = 0; count < 500 && errors.length === 0; count += 1) {
      const { error } = await send(site.transports, large, onFlow(arrived.flow));
      if (error !== undefined) errors.push(error.code);
      await new Promise(setImmediate);
    }
    expect(errors).toEqual(['overloaded']);
    expect(site.transports.refused.get('slow-reader')).toBe(1);
    expect((await site.upstairs.closed.next()).id).toBe(arrived.flow.id);
    expect((await send(site.transports, large, onFlow(arrived.flow))).error?.code).toBe('flow-gone');
  });

  test('whoever lost its framing and does not read is not waited for', async () => {
    const site = await openSite({}, { sendQueueBytes: 100_000_000, lingerTimeout: 5_000 });
    const { peer, arrived } = await spokenPeer(site);
    peer.socket.pause();
    const large = { ...response(arrived.message, 200), body: new Uint8Array(60_000) };
    for (let count = 0; count < 500; count += 1) site.transports.send(large, onFlow(arrived.flow), () => {});
    peer.write('\0');
    await site.upstairs.unparsable.next();
    expect(site.transports.isAlive(arrived.flow)).toBe(false);
    site.scheduler.advance(5_000);
    await site.upstairs.closed.next();
    expect(site.transports.connections).toBe(0);
    expect(site.scheduler.pending).toBe(0);
  });
});

describe('connections that end', () => {
  test('by a peer that has said its last: it still gets what was sent before', async () => {
    const site = await openSite();
    const { peer, arrived } = await spokenPeer(site);
    site.transports.send(
      { ...response(arrived.message, 200), body: new Uint8Array(50_000) },
      onFlow(arrived.flow),
      () => {},
    );
    peer.socket.end();
    expect((await site.upstairs.closed.next()).id).toBe(arrived.flow.id);
    await peer.closed;
    expect(peer.text.length).toBeGreaterThan(50_000);
    expect((await send(site.transports, response(arrived.message, 200), onFlow(arrived.flow))).error?.code).toBe(
      'flow-gone',
    );
  });

  test('by a reset, between messages or within one: told once, and nothing else happens', async () => {
    const site = await openSite();
    for (const rest of ['', 'OPTIONS sip:a']) {
      const { peer, arrived } = await spokenPeer(site);
      peer.socket.write(rest, () => peer.socket.resetAndDestroy());
      expect((await site.upstairs.closed.next()).id).toBe(arrived.flow.id);
      expect(site.transports.isAlive(arrived.flow)).toBe(false);
    }
    expect(site.upstairs.closed.count).toBe(2);
    expect(site.scheduler.pending).toBe(0);
  });

  test('while we write to them: the sender hears of it, and every message has one result', async () => {
    const site = await openSite();
    const { peer, arrived } = await spokenPeer(site);
    peer.socket.resetAndDestroy();
    let results = 0;
    for (let count = 0; count < 50; count += 1) {
      site.transports.send(response(arrived.message, 200), onFlow(arrived.flow), () => {
        results += 1;
      });
      await new Promise(setImmediate);
    }
    await site.upstairs.closed.next();
    expect(results).toBe(50);
    expect(site.upstairs.closed.count).toBe(1);
  });

  test('by us, while their next message is already here: it is not handed up', async () => {
    const site = await openSite();
    site.upstairs.onArrival = ({ message }) => {
      if (message.headers.get('Subject') === 'last') site.transports.close();
    };
    const peer = await connectPeer(site.port);
    const last = { ...options, headers: options.headers.append('Subject', 'last') };
    peer.write(Buffer.concat([wire(options), wire(last), wire(options)]));
    await site.upstairs.closed.next();
    expect(site.upstairs.messages.count).toBe(2);
  });
});

test('a message that nobody foresaw is logged and counted, and the next one is served', async () => {
  const site = await openSite();
  let isBroken = true;
  site.upstairs.onArrival = () => {
    if (isBroken) throw new Error('unforeseen');
  };
  const { peer } = await spokenPeer(site);
  isBroken = false;
  peer.write(wire(options));
  await site.upstairs.request();
  expect(site.transports.handlingFailures).toBe(1);
  const errors = site.log.lines.filter(({ level }) => level === 'error');
  expect(errors.map(({ event, fields }) => [event, fields['error']])).toEqual([
    ['message-handling-failed', 'unforeseen'],
  ]);
});

test('a message that cannot be written has its one result, and nothing of it goes out', async () => {
  const site = await openSite();
  const { arrived } = await spokenPeer(site);
  const broken = { ...request('INVITE'), uri: 'sip:a b\r\nX: y', headers: Headers.empty };
  const { error } = await send(site.transports, broken, onFlow(arrived.flow));
  expect(error?.code).toBe('send-failed');
});
