import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseWireDescription } from '../../../../src/media/sdp/wire-description.ts';
import {
  accepted,
  cryptoLine,
  insideLocals,
  insidePolicy,
  linesWith,
  makeLeg,
  outsideLocals,
  plainAudio,
  secureAudio,
  textOf,
  withMedia,
} from './sdp-fixtures.ts';

const seeds = [
  secureAudio(cryptoLine(1), cryptoLine(2, 'AEAD_AES_128_GCM')),
  plainAudio,
  withMedia(
    'm=audio 40000/2 RTP/AVPF 96 97',
    'c=IN IP6 2001:db8::1',
    'a=rtpmap:96 opus/48000/2',
    'a=fmtp:97 apt=96',
    'a=rtcp:40009 IN IP4 192.0.2.1',
  ),
  withMedia(
    'm=image 40000 udptl t38',
    'm=video 0 RTP/AVP 31',
    'm=audio 40000 RTP/SAVP 0',
    `a=crypto:${cryptoLine(1)}|2^20`,
    'a=rtcp-mux',
    'a=sendonly',
  ),
];

const splice = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom(
    '\r\n',
    '\n',
    '\r',
    '\0',
    '=',
    ':',
    ' ',
    'm=',
    'a=crypto:',
    'a=__proto__:x',
    'c=IN IP4 ',
    '4294967296',
    '-1',
    '1e9',
    '\xff',
  ),
);

/** A valid body with a few stretches replaced by something else. */
const mutated = fc
  .tuple(
    fc.constantFrom(...seeds.map(textOf)),
    fc.array(fc.tuple(fc.nat(260), fc.nat(3), splice), { minLength: 1, maxLength: 3 }),
  )
  .map(([text, edits]) =>
    Buffer.from(
      edits.reduce((result, [at, length, insert]) => result.slice(0, at) + insert + result.slice(at + length), text),
      'latin1',
    ),
  );

const anything = fc.oneof(mutated, fc.uint8Array({ maxLength: 400 }));

describe('a body of whatever bytes', () => {
  test('is read or refused with a SIP status, and never throws', () => {
    fc.assert(
      fc.property(anything, fc.constantFrom('required', 'opportunistic', 'off'), (bytes, encryption) => {
        const result = makeLeg({ encryption }).receiveOffer(bytes);
        if (!result.ok) expect([400, 488]).toContain(result.error.status);
      }),
      { seed: 8866, numRuns: 2_000 },
    );
  });

  test('as an offer makes a well-formed offer to the other side, and a well-formed answer back', () => {
    let relayed = 0;
    fc.assert(
      fc.property(mutated, (bytes) => {
        const caller = makeLeg({ encryption: 'opportunistic' });
        const offer = caller.receiveOffer(bytes);
        if (!offer.ok) return;
        relayed += 1;
        const callee = makeLeg(insidePolicy);
        const out = accepted(callee.createOffer(offer.value, insideLocals));
        const answer = callee.receiveAnswer(withMedia(...linesWith(out, 'm=')));
        const back = caller.createAnswer(answer.ok ? answer.value : callee.remoteDescription(), outsideLocals);
        for (const text of [out, back]) {
          expect(parseWireDescription(text).ok).toBe(true);
          expect(linesWith(text, 'm=')).toHaveLength(offer.value.media.length);
          expect(textOf(text).replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
        }
      }),
      { seed: 3264, numRuns: 1_000 },
    );
    expect(relayed).toBeGreaterThan(100);
  });

  test('as an answer is taken or refused, and a refused one changes nothing', () => {
    const description = accepted(makeLeg({ encryption: 'off' }).receiveOffer(plainAudio));
    fc.assert(
      fc.property(anything, (bytes) => {
        const leg = makeLeg();
        accepted(leg.createOffer(description, outsideLocals));
        const before = leg.snapshot();
        const result = leg.receiveAnswer(bytes);
        if (!result.ok) expect(leg.snapshot()).toEqual(before);
      }),
      { seed: 4568, numRuns: 1_000 },
    );
  });
});

describe('round trips', () => {
  const format = fc.integer({ min: 0, max: 127 }).map(String);
  const media = fc.record({
    kind: fc.constantFrom('audio', 'video', 'text'),
    port: fc.integer({ min: 1024, max: 65_535 }),
    formats: fc.uniqueArray(format, { minLength: 1, maxLength: 8 }),
    direction: fc.constantFrom('sendrecv', 'sendonly', 'recvonly', 'inactive'),
    attributes: fc.array(
      fc.constantFrom('ptime:20', 'rtpmap:96 opus/48000/2', 'fmtp:96 useinbandfec=1', 'extmap:1 urn:x'),
    ),
  });

  test('what a leg writes, a leg reads as the same description', () => {
    fc.assert(
      fc.property(fc.uniqueArray(media, { minLength: 1, maxLength: 4, selector: ({ port }) => port }), (lines) => {
        const offer = withMedia(
          ...lines.flatMap(({ kind, port, formats, direction, attributes }) => [
            `m=${kind} ${port} RTP/AVP ${formats.join(' ')}`,
            ...attributes.map((attribute) => `a=${attribute}`),
            `a=${direction}`,
          ]),
        );
        const description = accepted(makeLeg({ encryption: 'off' }).receiveOffer(offer));
        const written = accepted(makeLeg({ encryption: 'off' }).createOffer(description, outsideLocals));
        expect(accepted(makeLeg({ encryption: 'off' }).receiveOffer(written))).toEqual(description);
      }),
      { seed: 8866 },
    );
  });
});
