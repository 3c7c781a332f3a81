// A `Call` by itself: inputs in, outputs out, everything that it asks for answered by hand.
import { expect } from 'vitest';
import { Call } from '../../../../src/b2bua/call/call.ts';
import type { Admission, CallInput, CallOutput, LegId } from '../../../../src/b2bua/call/call-event.ts';
import type { CallRecord } from '../../../../src/b2bua/call/call-record.ts';
import type { MediaTerms, Target } from '../../../../src/b2bua/routing/target.ts';
import type { OpenedEndpoint } from '../../../../src/media/plane/messages.ts';
import { defaultSdpPolicy } from '../../../../src/media/sdp/sdp-policy.ts';
import type { Claim } from '../../../../src/policy/verdict.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import type { Body } from '../../../../src/sip/user-agent/session.ts';
import { FakeClock, SeededRandom } from '../../../support/fake-time.ts';

export const outside: MediaTerms = {
  address: { bind: '192.0.2.1', advertise: '203.0.113.10' },
  sdp: { ...defaultSdpPolicy, suites: ['AES_CM_128_HMAC_SHA1_80'] },
};
export const inside: MediaTerms = {
  address: { bind: '10.0.0.10', advertise: '10.0.0.10' },
  sdp: { ...defaultSdpPolicy, encryption: 'off', allowedAddresses: 'private' },
};

export function sdp(address: string, port: number, direction = 'sendrecv', crypto?: string): Body {
  const lines = [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} ${crypto === undefined ? 'RTP/AVP' : 'RTP/SAVP'} 8`,
    ...(crypto === undefined ? [] : [`a=crypto:${crypto}`]),
    `a=${direction}`,
    '',
  ];
  return { contentType: 'application/sdp', bytes: Buffer.from(lines.join('\r\n')) };
}

const callerKey = `1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 1).toString('base64')}`;

export function callerSdp(direction?: string, port = 50_000): Body {
  return sdp('198.51.100.1', port, direction, callerKey);
}

export function calleeSdp(direction?: string, port = 30_000): Body {
  return sdp('10.0.0.5', port, direction);
}

export const claim: Claim = {
  kind: 'slot',
  key: 'user:alice@pbx.test',
  cap: 2,
  refusal: { code: 'user-cap', status: 486, text: 'Concurrent call limit reached', detail: 'full' },
};
export const trunkClaim: Claim = {
  kind: 'slot',
  key: 'trunk:carrier',
  cap: 1,
  refusal: { code: 'trunk-cap', status: 480, text: 'Trunk capacity reached', detail: 'full' },
};

export function target(name: string, over: Partial<Target> = {}): Target {
  return {
    party: { kind: 'pbx', name },
    peer: { kind: 'pbx', name },
    followTarget: true,
    destination: { kind: 'next-hop', listener: 'to-pbx', transport: 'udp', host: '10.0.0.5', port: 5060 },
    requestUri: 'sip:600@10.0.0.5',
    from: '<sip:alice@pbx.test>',
    to: '<sip:600@pbx.test>',
    contactUser: 'alice',
    headers: Headers.empty,
    credentials: undefined,
    media: inside,
    claims: [],
    ...over,
  };
}

export function admission(...stages: readonly (readonly Target[])[]): Admission {
  return {
    stages: stages.length === 0 ? [[target('main')]] : stages,
    claims: [claim],
    limits: { maxDuration: 7_200_000, ringTimeout: 180_000, earlyMediaTimeout: 60_000 },
    canonical: '600',
    trace: [{ rule: 'identity', answer: 'allow' }],
  };
}

export class CallKit {
  readonly clock = new FakeClock();
  readonly call: Call;
  /** Everything that was ever asked for. */
  readonly all: CallOutput[] = [];
  #endpoints = 0;

  constructor(offer: Body | undefined = callerSdp()) {
    this.call = new Call(
      {
        id: 'call-1',
        caller: { kind: 'user', name: 'alice@pbx.test' },
        dialled: '600',
        media: outside,
        offer,
        random: new SeededRandom(3),
      },
      this.#at,
    );
  }

  feed(input: CallInput): readonly CallOutput[] {
    const outputs = this.call.handle(input, this.#at);
    this.all.push(...outputs);
    return outputs;
  }

  /** Types of the outputs, in order. */
  types(input: CallInput): readonly string[] {
    return this.feed(input).map(({ type }) => type);
  }

  /** Answers the first `open-media` of these outputs; undefined when nothing was asked for. */
  open(outputs: readonly CallOutput[], leg?: LegId): readonly CallOutput[] {
    const asked = outputs.find(
      (output): output is Extract<CallOutput, { type: 'open-media' }> =>
        output.type === 'open-media' && (leg === undefined || output.leg === leg),
    );
    if (asked === undefined) throw new Error('no media was asked for');
    return this.feed({ type: 'media-opened', leg: asked.leg, endpoints: asked.specs.map(() => this.endpoint()) });
  }

  endpoint(): OpenedEndpoint {
    this.#endpoints += 1;
    const rtpPort = 20_000 + 2 * this.#endpoints;
    return { endpoint: this.#endpoints, address: '192.0.2.1', rtpPort, rtcpPort: rtpPort + 1 };
  }

  /** Up to the INVITEs of the first stage. */
  invited(granted: Admission = admission()): readonly CallOutput[] {
    this.feed({ type: 'started' });
    this.feed({ type: 'admitted', admission: granted });
    const opening = this.feed({ type: 'reserved', leg: 'a', claims: granted.claims });
    const asked = this.open(opening, 'a');
    const invites: CallOutput[] = [];
    for (const output of asked) {
      if (output.type === 'open-media') invites.push(...this.open([output], output.leg));
    }
    return invites;
  }

  connected(): readonly CallOutput[] {
    this.invited();
    return this.feed({ type: 'answered', leg: 'b1', earlyId: 't1', body: calleeSdp() });
  }

  /** After an end: the media report comes, and the record is written exactly once. */
  record(): CallRecord {
    const outputs = this.feed({ type: 'media-closed', report: { endpoints: [] } });
    const records = outputs.flatMap((output) => (output.type === 'ended' ? [output.record] : []));
    const [record] = records;
    if (record === undefined || records.length > 1) throw new Error(`${records.length} records`);
    expect(this.call.state).toBe('ended');
    return record;
  }

  get #at(): { readonly now: number; readonly wall: number } {
    return { now: this.clock.now(), wall: this.clock.wall() };
  }
}

/** The one output of that type. */
export function only<T extends CallOutput['type']>(
  outputs: readonly CallOutput[],
  type: T,
): Extract<CallOutput, { type: T }> {
  const found = outputs.filter((output): output is Extract<CallOutput, { type: T }> => output.type === type);
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new Error(`${found.length} outputs of type ${type} among ${outputs.map((output) => output.type).join(', ')}`);
  }
  return first;
}

export function textOf(body: Body | undefined): string {
  return Buffer.from(body?.bytes ?? []).toString('latin1');
}
