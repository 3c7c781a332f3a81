import { describe, expect, test } from 'vitest';
import type { SdpPolicy } from '../../../../src/media/sdp/sdp-policy.ts';
import {
  accepted,
  body,
  exchange,
  insideLocals,
  insidePolicy,
  linesOf,
  linesWith,
  makeLeg,
  outsideLocals,
  plainAudio,
  refusalOf,
  sessionLines,
  withMedia,
} from './sdp-fixtures.ts';

const plain = { encryption: 'off' } as const;

function plainCall(policy: Partial<SdpPolicy> = {}): ReturnType<typeof makeCall> {
  return makeCall({ ...plain, ...policy });
}

function makeCall(policy: Partial<SdpPolicy>): {
  caller: ReturnType<typeof makeLeg>;
  callee: ReturnType<typeof makeLeg>;
} {
  return { caller: makeLeg(policy), callee: makeLeg(insidePolicy) };
}

const ports = (bytes: Uint8Array): readonly number[] =>
  linesWith(bytes, 'm=').map((line) => Number(line.split(' ')[1]));

describe('m-lines (RFC 3264 §5, §6)', () => {
  const twoLines = withMedia('m=audio 40000 RTP/AVP 0', 'm=video 40002 RTP/AVP 96', 'a=rtpmap:96 VP8/90000');

  test('keep their order and number on both legs', () => {
    const answer = withMedia('m=audio 5000 RTP/AVP 0', 'm=video 5002 RTP/AVP 96', 'a=rtpmap:96 VP8/90000');
    const { offerOut, answerOut } = exchange(plainCall(), twoLines, answer);
    expect(linesWith(offerOut, 'm=')).toEqual(['m=audio 30000 RTP/AVP 0', 'm=video 30002 RTP/AVP 96']);
    expect(linesWith(answerOut, 'm=')).toEqual(['m=audio 20000 RTP/AVP 0', 'm=video 20002 RTP/AVP 96']);
  });

  test('that one side refuses are refused to the other, in their place', () => {
    const call = plainCall();
    const { answerOut } = exchange(call, twoLines, withMedia('m=audio 0 RTP/AVP 0', 'm=video 5002 RTP/AVP 96'));
    expect(ports(answerOut)).toEqual([0, 20_002]);
    expect(call.caller.remotes().map((remote) => remote?.rtp.port)).toEqual([undefined, 40_002]);
    expect(call.callee.remotes().map((remote) => remote?.rtp.port)).toEqual([undefined, 5002]);
  });

  test('that an answer leaves out count as refused', () => {
    const { answerOut } = exchange(plainCall(), twoLines, withMedia('m=audio 5000 RTP/AVP 0'));
    expect(ports(answerOut)).toEqual([20_000, 0]);
  });

  test.each([
    ['T.38', 'm=image 40004 udptl t38'],
    ['MSRP', 'm=message 40004 TCP/MSRP *'],
    ['a data channel', 'm=application 40004 UDP/DTLS/SCTP webrtc-datachannel'],
    ['BFCP', 'm=application 40004 TCP/BFCP *'],
    ['DTLS-SRTP', 'm=video 40004 UDP/TLS/RTP/SAVPF 96'],
    ['a format that is no payload type', 'm=video 40004 RTP/AVP H264'],
    ['several ports', 'm=video 40004/2 RTP/AVP 96'],
    ['a service port', 'm=video 1023 RTP/AVP 96'],
  ])('of %s are refused by port 0 beside audio, and alone by 488', (_, line) => {
    const caller = makeLeg(plain);
    const offer = accepted(caller.receiveOffer(withMedia('m=audio 40000 RTP/AVP 0', line)));
    expect(offer.media.map((media) => media.accepted)).toEqual([true, false]);
    const towardsPbx = accepted(makeLeg(insidePolicy).createOffer(offer, insideLocals));
    expect(ports(towardsPbx)).toEqual([30_000, 0]);
    expect(ports(caller.createAnswer(offer, outsideLocals))).toEqual([20_000, 0]);
    expect(refusalOf(makeLeg(plain).receiveOffer(withMedia(line)))).toMatch(/^488 /);
  });

  test('echo kind, protocol and formats where they are refused', () => {
    const caller = makeLeg(plain);
    const offer = accepted(
      caller.receiveOffer(withMedia('m=audio 40000 RTP/AVP 0', 'm=image 40004 udptl t38', 'a=T38FaxVersion:0')),
    );
    expect(linesOf(caller.createAnswer(offer, outsideLocals)).at(-1)).toBe('m=image 0 udptl t38');
  });

  test('of a T.38 re-INVITE are refused by 488 and change nothing', () => {
    const call = plainCall();
    exchange(call, plainAudio, plainAudio);
    const before = call.caller.snapshot();
    expect(refusalOf(call.caller.receiveOffer(withMedia('m=image 40000 udptl t38')))).toBe('488 unsupported-transport');
    expect(refusalOf(call.caller.receiveOffer(withMedia('m=audio 0 RTP/AVP 0', 'm=image 40000 udptl t38')))).toBe(
      '488 unsupported-transport',
    );
    expect(call.caller.snapshot()).toEqual(before);
  });

  test('beyond what policy relays at once are refused', () => {
    const many = withMedia(...Array.from({ length: 6 }, (_, line) => `m=audio ${40_000 + 2 * line} RTP/AVP 0`));
    const offer = accepted(makeLeg({ ...plain, maxMediaLines: 2 }).receiveOffer(many));
    expect(offer.media.map((media) => media.accepted)).toEqual([true, true, false, false, false, false]);
  });

  test('must be there, and one of them usable', () => {
    expect(refusalOf(makeLeg(plain).receiveOffer(body(...sessionLines)))).toBe('488 no-media');
    expect(refusalOf(makeLeg(plain).receiveOffer(withMedia('m=audio 0 RTP/AVP 0')))).toBe('488 no-media');
  });

  test('without an endpoint of ours get port 0', () => {
    const caller = makeLeg(plain);
    const offer = accepted(caller.receiveOffer(twoLines));
    expect(ports(caller.createAnswer(offer, [undefined, outsideLocals[1]]))).toEqual([0, 20_002]);
    expect(ports(accepted(makeLeg(insidePolicy).createOffer(offer, [insideLocals[0]])))).toEqual([30_000, 0]);
    expect(refusalOf(makeLeg(insidePolicy).createOffer(offer, []))).toBe('488 no-media');
  });
});

describe('an answer made from a description that does not fit', () => {
  test('refuses lines of another kind, and lines that the description does not have', () => {
    const caller = makeLeg(plain);
    accepted(
      caller.receiveOffer(withMedia('m=video 40000 RTP/AVP 31', 'm=audio 40002 RTP/AVP 0', 'm=audio 40004 RTP/AVP 0')),
    );
    const other = accepted(makeLeg(plain).receiveOffer(withMedia('m=audio 5000 RTP/AVP 0', 'm=audio 5002 RTP/AVP 0')));
    expect(ports(caller.createAnswer(other, outsideLocals))).toEqual([0, 20_002, 0]);
  });
});

describe('an answer that does not fit the offer (RFC 3264 §6)', () => {
  function outcome(...lines: readonly string[]): string {
    const callee = makeLeg(insidePolicy);
    const offer = accepted(
      makeLeg(plain).receiveOffer(withMedia('m=audio 40000 RTP/AVP 0 96', 'a=rtpmap:96 opus/48000/2')),
    );
    accepted(callee.createOffer(offer, insideLocals));
    return refusalOf(callee.receiveAnswer(withMedia(...lines)));
  }

  test.each([
    ['more m-lines', ['m=audio 5000 RTP/AVP 0', 'm=video 5002 RTP/AVP 31'], '488 answer-mismatch'],
    ['another kind of media', ['m=video 5000 RTP/AVP 31'], '488 answer-mismatch'],
    ['another transport', ['m=audio 5000 udptl t38'], '488 answer-mismatch'],
    [
      'only codecs under a number that the offer uses otherwise',
      ['m=audio 5000 RTP/AVP 96', 'a=rtpmap:96 iLBC/8000'],
      '488 answer-mismatch',
    ],
    ['every line refused', ['m=audio 0 RTP/AVP 0'], '488 no-media'],
    ['no line', [], '488 no-media'],
    ['a loopback address', ['m=audio 5000 RTP/AVP 0', 'c=IN IP4 127.0.0.1'], '488 address-not-allowed'],
    ['a service port', ['m=audio 53 RTP/AVP 0'], '488 port-not-allowed'],
  ])('with %s is refused', (_, lines, expected) => {
    expect(outcome(...lines)).toBe(expected);
  });

  test('may lack the F of the profile, and may add codecs', () => {
    const callee = makeLeg(insidePolicy);
    accepted(
      callee.createOffer(accepted(makeLeg(plain).receiveOffer(withMedia('m=audio 40000 RTP/AVPF 0'))), insideLocals),
    );
    const answer = accepted(callee.receiveAnswer(withMedia('m=audio 5000 RTP/AVP 0 18')));
    expect(answer.media[0]?.formats).toEqual(['0', '18']);
  });

  test('is refused where nothing was offered', () => {
    expect(refusalOf(makeLeg(plain).receiveAnswer(plainAudio))).toBe('488 answer-mismatch');
  });

  test('leaves the offer open for a better one', () => {
    const callee = makeLeg(insidePolicy);
    accepted(callee.createOffer(accepted(makeLeg(plain).receiveOffer(plainAudio)), insideLocals));
    expect(callee.receiveAnswer(withMedia('m=video 5000 RTP/AVP 31')).ok).toBe(false);
    expect(callee.phase).toBe('offer');
    expect(callee.receiveAnswer(plainAudio).ok).toBe(true);
  });
});

describe('direction (RFC 3264 §6.1)', () => {
  test.each([
    ['sendrecv', 'sendrecv', 'sendrecv', { receiving: true, sending: true }],
    ['sendrecv', 'recvonly', 'recvonly', { receiving: true, sending: false }],
    ['sendrecv', 'sendonly', 'sendonly', { receiving: false, sending: true }],
    ['sendonly', 'recvonly', 'recvonly', { receiving: true, sending: false }],
    ['sendonly', 'inactive', 'inactive', { receiving: false, sending: false }],
    ['sendonly', 'sendrecv', 'recvonly', { receiving: true, sending: false }],
    ['recvonly', 'sendrecv', 'sendonly', { receiving: false, sending: true }],
    ['recvonly', 'recvonly', 'inactive', { receiving: false, sending: false }],
    ['inactive', 'sendrecv', 'inactive', { receiving: false, sending: false }],
  ])('offered %s, answered %s, becomes %s', (offered, answered, expected, fromCaller) => {
    const call = plainCall();
    const { offerOut, answerOut } = exchange(
      call,
      withMedia('m=audio 40000 RTP/AVP 0', `a=${offered}`),
      withMedia('m=audio 5000 RTP/AVP 0', `a=${answered}`),
    );
    expect(linesOf(offerOut).at(-1)).toBe(`a=${offered}`);
    expect(linesOf(answerOut).at(-1)).toBe(`a=${expected}`);
    expect(call.caller.remotes()[0]).toMatchObject(fromCaller);
    expect(call.callee.remotes()[0]).toMatchObject({ receiving: fromCaller.sending, sending: fromCaller.receiving });
  });
});

describe('where media goes', () => {
  function remoteOf(policy: Partial<SdpPolicy>, ...lines: readonly string[]): unknown {
    const leg = makeLeg({ ...plain, ...policy });
    const offer = leg.receiveOffer(withMedia(...lines));
    if (!offer.ok) return refusalOf(offer);
    leg.createAnswer(offer.value, outsideLocals);
    return leg.remotes()[0];
  }

  test('is the signalled address, RTCP one port above (RFC 3550 §11)', () => {
    expect(remoteOf({}, 'm=audio 40000 RTP/AVP 0')).toEqual({
      rtp: { address: '198.51.100.7', port: 40_000 },
      rtcp: { address: '198.51.100.7', port: 40_001 },
      receive: undefined,
      send: undefined,
      latching: { kind: 'signalled' },
      sending: true,
      receiving: true,
      payloadTypes: [],
      clockRates: [],
      codecs: [[0, 'pcmu/8000/1']],
    });
  });

  test('may be latched for a while where policy says so', () => {
    expect(remoteOf({ latchWindow: 3_000 }, 'm=audio 40000 RTP/AVP 0')).toMatchObject({
      latching: { kind: 'window', duration: 3_000 },
    });
  });

  test.each([
    ['a=rtcp:40009', { address: '198.51.100.7', port: 40_009 }],
    ['a=rtcp:40009 IN IP4 198.51.100.8', { address: '198.51.100.8', port: 40_009 }],
    ['a=rtcp:40009 IN IP4 127.0.0.1', { address: '198.51.100.7', port: 40_009 }],
    ['a=rtcp:40009 IN IP4 192.168.1.1', { address: '198.51.100.7', port: 40_009 }],
    ['a=rtcp:53', { address: '198.51.100.7', port: 40_001 }],
    ['a=rtcp:0', { address: '198.51.100.7', port: 40_001 }],
  ])('for RTCP follows %s (RFC 3605)', (line, rtcp) => {
    expect(remoteOf({}, 'm=audio 40000 RTP/AVP 0', line)).toMatchObject({ rtcp });
  });

  test('for RTCP has no port above 65535', () => {
    expect(remoteOf({}, 'm=audio 65535 RTP/AVP 0')).toMatchObject({ rtcp: undefined });
  });

  test('does not include a private address before a packet latched', () => {
    const lines = ['m=audio 40000 RTP/AVP 0', 'c=IN IP4 192.168.1.5'];
    expect(remoteOf({ latchWindow: 3_000 }, ...lines)).toMatchObject({ awaitLatch: true });
    expect(remoteOf({}, ...lines)).toBe('488 address-not-allowed');
    expect(remoteOf({ allowedAddresses: 'private' }, ...lines)).not.toHaveProperty('awaitLatch');
  });

  test('does not include an address that signalling does not come from, before a packet latched', () => {
    const victim = { provenAddress: '203.0.113.77', latchWindow: 3_000 };
    expect(remoteOf(victim, 'm=audio 40000 RTP/AVP 0')).toMatchObject({ awaitLatch: true });
    expect(remoteOf({ ...victim, provenAddress: '198.51.100.7' }, 'm=audio 40000 RTP/AVP 0')).not.toHaveProperty(
      'awaitLatch',
    );
    expect(
      remoteOf({ provenAddress: '198.51.100.7' }, 'm=audio 40000 RTP/AVP 0', 'a=rtcp:40001 IN IP4 203.0.113.77'),
    ).toMatchObject({ rtcp: { address: '198.51.100.7', port: 40_001 } });
  });

  test.each([
    'IN IP4 127.0.0.1',
    'IN IP4 224.2.1.1',
    'IN IP4 224.2.1.1/127',
    'IN IP4 169.254.169.254',
    'IN IP4 255.255.255.255',
    'IN IP4 phone.example.com',
    'IN IP6 ::1',
    'IN IP6 ff02::1',
    'IN IP6 fe80::1',
    'IN IP6 ::ffff:169.254.169.254',
    'IN IP6 64:ff9b::7f00:1',
  ])('is never %s', (connection) => {
    expect(remoteOf({ latchWindow: 3_000 }, 'm=audio 40000 RTP/AVP 0', `c=${connection}`)).toBe(
      '488 address-not-allowed',
    );
  });
});

describe('IPv4 on one leg and IPv6 on the other', () => {
  test('each leg shows its own family', () => {
    const caller = makeLeg(plain);
    const offer = accepted(caller.receiveOffer(withMedia('m=audio 40000 RTP/AVP 0', 'c=IN IP6 2001:db8::5')));
    const local = { address: '2001:db8::10', rtpPort: 20_000, rtcpPort: 20_001 };
    const answer = caller.createAnswer(offer, [local]);
    expect(linesWith(answer, 'o=')).toEqual(['o=- 1000 1 IN IP6 2001:db8::10']);
    expect(linesWith(answer, 'c=')).toEqual(['c=IN IP6 2001:db8::10']);
    const towardsPbx = accepted(makeLeg(insidePolicy).createOffer(offer, insideLocals));
    expect(linesWith(towardsPbx, 'c=')).toEqual(['c=IN IP4 10.0.0.10']);
  });

  test.each([
    [4, 'IN IP6 2001:db8::5', '488 address-not-allowed'],
    [6, 'IN IP4 198.51.100.7', '488 address-not-allowed'],
    [6, 'IN IP6 2001:db8::5', 'not refused'],
    [6, 'IN IP4 0.0.0.0', 'not refused'],
  ] as const)('a leg whose media is IPv%i, offered %s: %s', (addressFamily, connection, expected) => {
    const leg = makeLeg({ ...plain, addressFamily });
    expect(refusalOf(leg.receiveOffer(withMedia('m=audio 40000 RTP/AVP 0', `c=${connection}`)))).toBe(expected);
  });

  test('RTCP of the other family goes where RTP goes', () => {
    const leg = makeLeg({ ...plain, addressFamily: 4 });
    const offer = accepted(leg.receiveOffer(withMedia('m=audio 40000 RTP/AVP 0', 'a=rtcp:40009 IN IP6 2001:db8::5')));
    leg.createAnswer(offer, outsideLocals);
    expect(leg.remotes()[0]?.rtcp).toEqual({ address: '198.51.100.7', port: 40_009 });
  });

  test('a line with another address of ours has a c= of its own', () => {
    const caller = makeLeg(plain);
    const offer = accepted(caller.receiveOffer(withMedia('m=audio 40000 RTP/AVP 0', 'm=video 40002 RTP/AVP 31')));
    const answer = caller.createAnswer(offer, [
      { address: '203.0.113.10', rtpPort: 20_000, rtcpPort: 20_001 },
      { address: '203.0.113.11', rtpPort: 20_002, rtcpPort: 20_003 },
    ]);
    expect(linesWith(answer, 'c=')).toEqual(['c=IN IP4 203.0.113.10', 'c=IN IP4 203.0.113.11']);
  });
});

describe('RTCP on our side', () => {
  const offerMux = withMedia('m=audio 40000 RTP/AVP 0', 'a=rtcp-mux');
  const oneLocal = (
    rtcpPort: number | undefined,
  ): readonly { address: string; rtpPort: number; rtcpPort: number | undefined }[] => [
    { address: '203.0.113.10', rtpPort: 20_000, rtcpPort },
  ];

  test('shares the port when the peer offers it and we opened one (RFC 5761 §5.1.1)', () => {
    const caller = makeLeg(plain);
    const offer = accepted(caller.receiveOffer(offerMux));
    expect(caller.muxes(0)).toBe(true);
    expect(linesWith(caller.createAnswer(offer, oneLocal(undefined)), 'a=rtcp')).toEqual(['a=rtcp-mux']);
    expect(caller.remotes()[0]?.rtcp).toBeUndefined();
    caller.commit();
    expect(caller.muxes(0)).toBe(true);
  });

  test('keeps its own port when we opened two', () => {
    const caller = makeLeg(plain);
    const offer = accepted(caller.receiveOffer(offerMux));
    expect(linesWith(caller.createAnswer(offer, oneLocal(20_001)), 'a=rtcp')).toEqual([]);
    expect(caller.remotes()[0]?.rtcp).toEqual({ address: '198.51.100.7', port: 40_001 });
  });

  test('is not muxed when the peer does not offer it', () => {
    const caller = makeLeg(plain);
    const offer = accepted(caller.receiveOffer(plainAudio));
    expect(caller.muxes(0)).toBe(false);
    expect(linesWith(caller.createAnswer(offer, oneLocal(undefined)), 'a=rtcp-mux')).toEqual([]);
  });

  test('is named when it is not the port above (RFC 3605)', () => {
    const caller = makeLeg(plain);
    const offer = accepted(caller.receiveOffer(plainAudio));
    expect(linesWith(caller.createAnswer(offer, oneLocal(20_077)), 'a=rtcp')).toEqual(['a=rtcp:20077']);
  });

  test.each([
    [true, true, true],
    [true, false, false],
    [false, true, false],
  ])('in an offer of ours: mux offered %s, answered %s, used %s', (offerRtcpMux, answered, used) => {
    const offer = accepted(makeLeg(plain).receiveOffer(offerMux));
    const callee = makeLeg({ ...insidePolicy, offerRtcpMux });
    const sent = accepted(callee.createOffer(offer, insideLocals));
    expect(linesWith(sent, 'a=rtcp-mux')).toHaveLength(offerRtcpMux ? 1 : 0);
    accepted(callee.receiveAnswer(withMedia('m=audio 5000 RTP/AVP 0', ...(answered ? ['a=rtcp-mux'] : []))));
    expect(callee.remotes()[0]?.rtcp === undefined).toBe(used);
  });
});

describe('payload types (RFC 3264 §6.1, RFC 4733)', () => {
  const offer = withMedia('m=audio 40000 RTP/AVP 0 101', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15');

  test('that the answer numbers otherwise are shown as offered, and mapped on the way', () => {
    const call = plainCall();
    const answer = withMedia('m=audio 5000 RTP/AVP 0 97', 'a=rtpmap:97 telephone-event/8000', 'a=fmtp:97 0-15');
    const { answerOut } = exchange(call, offer, answer);
    expect(linesWith(answerOut, 'm=')).toEqual(['m=audio 20000 RTP/AVP 0 101']);
    expect(linesWith(answerOut, 'a=fmtp')).toEqual(['a=fmtp:101 0-15']);
    expect(call.caller.remotes()[0]?.payloadTypes).toEqual([[101, 97]]);
    expect(call.callee.remotes()[0]?.payloadTypes).toEqual([[97, 101]]);
  });

  test('bring their clock rates, in every number that the peer may send', () => {
    const call = plainCall();
    const wide = withMedia(
      'm=audio 40000 RTP/AVP 96 101',
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:101 telephone-event/8000',
    );
    const answer = withMedia(
      'm=audio 5000 RTP/AVP 98 101',
      'a=rtpmap:98 opus/48000/2',
      'a=rtpmap:101 telephone-event/8000',
    );
    exchange(call, wide, answer);
    expect(call.caller.remotes()[0]?.clockRates).toEqual([
      [96, 48_000],
      [101, 8_000],
    ]);
    expect(call.callee.remotes()[0]?.clockRates).toEqual([
      [96, 48_000],
      [101, 8_000],
      [98, 48_000],
    ]);
  });

  test('that changed places are mapped towards the answerer only, which sends in the numbers of the offer', () => {
    const call = plainCall();
    const two = withMedia(
      'm=audio 40000 RTP/AVP 96 101',
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:101 telephone-event/8000',
    );
    const swapped = withMedia(
      'm=audio 5000 RTP/AVP 101 96',
      'a=rtpmap:101 opus/48000/2',
      'a=rtpmap:96 telephone-event/8000',
    );
    exchange(call, two, swapped);
    expect(new Map(call.caller.remotes()[0]?.payloadTypes)).toEqual(
      new Map([
        [96, 101],
        [101, 96],
      ]),
    );
    expect(call.callee.remotes()[0]?.payloadTypes).toEqual([]);
  });

  test('stay as they are when both sides agree', () => {
    const call = plainCall();
    exchange(call, offer, offer);
    expect([...call.caller.remotes(), ...call.callee.remotes()].map((remote) => remote?.payloadTypes)).toEqual([
      [],
      [],
    ]);
  });
});

describe('a late offer (RFC 3264 §5, RFC 3261 §13.2.1)', () => {
  test('goes the other way with the same methods', () => {
    const caller = makeLeg(plain);
    const callee = makeLeg(insidePolicy);
    const offer = accepted(callee.receiveOffer(withMedia('m=audio 5000 RTP/AVP 8', 'c=IN IP4 10.0.0.5')));
    const towardsCaller = accepted(caller.createOffer(offer, outsideLocals));
    expect(linesWith(towardsCaller, 'm=')).toEqual(['m=audio 20000 RTP/AVP 8']);
    const inAck = callee.createAnswer(
      accepted(caller.receiveAnswer(withMedia('m=audio 40000 RTP/AVP 8'))),
      insideLocals,
    );
    expect(linesWith(inAck, 'm=')).toEqual(['m=audio 30000 RTP/AVP 8']);
    expect(caller.remotes()[0]?.rtp).toEqual({ address: '198.51.100.7', port: 40_000 });
    expect(callee.remotes()[0]?.rtp).toEqual({ address: '10.0.0.5', port: 5000 });
  });
});

describe('an offer while another is not settled (RFC 3261 §14.2)', () => {
  test('is refused by 491 in every order', () => {
    const received = makeLeg(plain);
    const offer = accepted(received.receiveOffer(plainAudio));
    expect(refusalOf(received.receiveOffer(plainAudio))).toBe('491 exchange-in-progress');
    expect(refusalOf(received.createOffer(offer, outsideLocals))).toBe('491 exchange-in-progress');
    const sent = makeLeg(plain);
    accepted(sent.createOffer(offer, outsideLocals));
    expect(refusalOf(sent.receiveOffer(plainAudio))).toBe('491 exchange-in-progress');
    expect(refusalOf(sent.createOffer(offer, outsideLocals))).toBe('491 exchange-in-progress');
  });

  test('an answer to nothing, and a commit without an answer, are mistakes of ours', () => {
    const leg = makeLeg(plain);
    expect(() => leg.createAnswer(leg.remoteDescription(), [])).toThrow('no offer');
    leg.commit();
    accepted(leg.receiveOffer(plainAudio));
    expect(() => leg.commit()).toThrow('without an answer');
  });
});
