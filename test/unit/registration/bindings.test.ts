import { describe, expect, test } from 'vitest';
import { applyContacts, defaultRegistrarLimits, type RegisterInput } from '../../../src/registration/bindings.ts';
import type { BindingRecord } from '../../../src/registration/location.ts';
import { phoneFlow, type RegisterOptions, registerRequest } from './registrar-kit.ts';

const now = Date.UTC(2026, 0, 5, 10);
const limits = { ...defaultRegistrarLimits, contactsPerUser: 3 };
const instance = ';+sip.instance="<urn:uuid:0001>"';

function input(options: RegisterOptions, kept: readonly BindingRecord[] = [], flow = 1): RegisterInput {
  const request = registerRequest(options);
  return { request, aor: 'alice@pbx.test', flow: phoneFlow(flow), kept, now, limits, chance: 0.999 };
}

/** The bindings after this REGISTER. */
function bound(options: RegisterOptions, kept: readonly BindingRecord[] = [], flow = 1): readonly BindingRecord[] {
  const applied = applyContacts(input(options, kept, flow));
  if (!applied.ok) throw new Error(`${applied.error.status} ${applied.error.detail}`);
  return applied.value;
}

/** `URI for SECONDS` of each binding. */
function summary(bindings: readonly BindingRecord[]): readonly string[] {
  return bindings.map(({ contact, expiresAt }) => `${contact} for ${(expiresAt - now) / 1000}`);
}

function status(options: RegisterOptions, kept: readonly BindingRecord[] = []): number {
  const applied = applyContacts(input(options, kept));
  return applied.ok ? 200 : applied.error.status;
}

describe('how long (RFC 3261 §10.2.1.1, §10.3 step 7)', () => {
  test.each([
    ['the default', '<sip:a@h>', undefined, 3_600],
    ['what Expires says', '<sip:a@h>', '120', 120],
    ['what the contact says, before Expires', '<sip:a@h>;expires=300', '120', 300],
    ['the longest', '<sip:a@h>;expires=7200', undefined, 3_600],
    ['the longest for a number beyond 2^32', '<sip:a@h>;expires=99999999999999999999', undefined, 3_600],
    ['the longest for a number beyond 2^32 in Expires', '<sip:a@h>', '4294967296', 3_600],
    ['the default for what is no number', '<sip:a@h>;expires=soon', undefined, 3_600],
    ['the shortest', '<sip:a@h>;expires=60', undefined, 60],
  ])('%s', (_what, contact, expires, seconds) => {
    expect(summary(bound({ contacts: [contact], ...(expires === undefined ? {} : { expires }) }))).toEqual([
      `sip:a@h for ${seconds}`,
    ]);
  });

  test.each([
    ['nothing is taken away by the least chance', '3600', 0, 3_600],
    ['the spread is taken away at most', '3600', 0.999, 3_241],
    ['half of it by an even chance', '3600', 0.5, 3_420],
    ['what is little is not made less than the least', '61', 0.999, 60],
    ['what is asked for as the least stays', '60', 0.999, 60],
    ['nothing of what is taken back', '0', 0.999, undefined],
  ])('%s where lifetimes are spread', (_what, expires, chance, seconds) => {
    const spread = {
      ...input({ contacts: ['<sip:a@h>'], expires }),
      limits: { ...limits, expiresSpread: 0.1 },
      chance,
    };
    const applied = applyContacts(spread);
    expect(applied.ok && summary(applied.value)).toEqual(seconds === undefined ? [] : [`sip:a@h for ${seconds}`]);
  });

  test('too brief is 423 with Min-Expires', () => {
    const applied = applyContacts(input({ contacts: ['<sip:a@h>;expires=59'] }));
    expect(applied).toMatchObject({ ok: false, error: { status: 423, minExpires: 60 } });
  });

  test('an hour is never too brief, whatever the least is', () => {
    const strict = { ...limits, minExpires: 7_200, maxExpires: 86_400 };
    const hourly = input({ contacts: ['<sip:a@h>;expires=3600'] });
    expect(applyContacts({ ...hourly, limits: strict }).ok).toBe(true);
    const less = input({ contacts: ['<sip:a@h>;expires=3599'] });
    expect(applyContacts({ ...less, limits: strict })).toMatchObject({ ok: false, error: { status: 423 } });
  });

  test('zero takes the binding back; taking back what is not there is nothing', () => {
    const kept = bound({ contacts: ['<sip:a@h>', '<sip:b@h>'] });
    expect(summary(bound({ contacts: ['<sip:a@h>;expires=0'], cseq: 2 }, kept))).toEqual(['sip:b@h for 3600']);
    expect(summary(bound({ contacts: ['<sip:c@h>'], expires: '0', cseq: 2 }, kept))).toHaveLength(2);
  });
});

describe('Contact: * (RFC 3261 §10.2.2, §10.3 step 6)', () => {
  const kept = bound({ contacts: ['<sip:a@h>', '<sip:b@h>'], cseq: 5 });

  test('takes everything back', () => {
    expect(bound({ contacts: ['*'], expires: '0', cseq: 6 }, kept)).toEqual([]);
    expect(bound({ contacts: ['*'], expires: '0', cseq: 1, callId: 'other' }, kept)).toEqual([]);
  });

  test.each([
    ['without Expires', { contacts: ['*'] }],
    ['with another Expires', { contacts: ['*'], expires: '60' }],
    ['beside a contact', { contacts: ['*', '<sip:a@h>'], expires: '0' }],
    ['behind a contact', { contacts: ['<sip:a@h>', '*'], expires: '0' }],
    ['in a list', { contacts: ['<sip:a@h>, *'], expires: '0' }],
    ['with parameters', { contacts: ['*;expires=0'] }],
  ])('%s is 400', (_what, options) => {
    expect(status({ ...options, cseq: 6 }, kept)).toBe(400);
  });

  test('of an older request is refused, and takes nothing', () => {
    expect(status({ contacts: ['*'], expires: '0', cseq: 5 }, kept)).toBe(500);
  });
});

describe('the order of requests (RFC 3261 §10.3 step 7)', () => {
  const kept = bound({ contacts: ['<sip:a@h>'], cseq: 5 });

  test.each([
    ['a higher CSeq of the same Call-ID', { cseq: 6 }, 200],
    ['the same CSeq of the same Call-ID', { cseq: 5 }, 500],
    ['a lower CSeq of the same Call-ID', { cseq: 4 }, 500],
    ['any CSeq of another Call-ID', { cseq: 1, callId: 'rebooted' }, 200],
  ])('%s', (_what, options, expected) => {
    expect(status({ contacts: ['<sip:a@h>'], ...options }, kept)).toBe(expected);
    expect(status({ contacts: ['<sip:a@h>;expires=0'], ...options }, kept)).toBe(expected);
  });

  test('says nothing about contacts that are new', () => {
    expect(status({ contacts: ['<sip:b@h>'], cseq: 4 }, kept)).toBe(200);
  });

  test('CSeq is compared over its whole range', () => {
    const last = bound({ contacts: ['<sip:a@h>'], cseq: 2 ** 31 - 1 });
    expect(status({ contacts: ['<sip:a@h>'], cseq: 2 ** 31 - 2 }, last)).toBe(500);
  });
});

describe('all or nothing (RFC 3261 §10.3 step 7)', () => {
  const kept = bound({ contacts: ['<sip:old@h>'], cseq: 5 });

  test.each([
    ['too brief', '<sip:b@h>;expires=5', 423],
    ['no SIP', '<tel:+441632960123>', 400],
    ['too long', `<sip:${'x'.repeat(600)}@h>`, 400],
    ['outdated', '<sip:old@h>', 500],
    ['malformed', '<sip:b@h', 400],
  ])('a contact that is %s refuses the good ones before and behind it', (_what, contact, expected) => {
    expect(status({ contacts: ['<sip:a@h>', contact, '<sip:c@h>'], cseq: 5 }, kept)).toBe(expected);
  });

  test('one too many refuses all; taking one back in the same request makes room', () => {
    const three = bound({ contacts: ['<sip:a@h>', '<sip:b@h>', '<sip:c@h>'] });
    expect(status({ contacts: ['<sip:d@h>'], cseq: 2 }, three)).toBe(403);
    expect(summary(bound({ contacts: ['<sip:d@h>', '<sip:a@h>;expires=0'], cseq: 2 }, three))).toEqual([
      'sip:b@h for 3600',
      'sip:c@h for 3600',
      'sip:d@h for 3600',
    ]);
    expect(status({ contacts: ['<sip:1@h>', '<sip:2@h>', '<sip:3@h>', '<sip:4@h>'] })).toBe(403);
  });

  test('who has more than a lowered limit allows may still leave', () => {
    const many = ['a', 'b', 'c'].map((name) => `<sip:${name}@h>`);
    const applied = applyContacts({
      ...input({ contacts: ['<sip:a@h>;expires=0'], cseq: 2 }, bound({ contacts: many })),
      limits: { ...limits, contactsPerUser: 1 },
    });
    expect(applied.ok).toBe(true);
  });
});

describe('which binding it is', () => {
  test('is told by the URI, compared as URIs are (RFC 3261 §19.1.4), where there is no instance', () => {
    const kept = bound({ contacts: ['<sip:alice@PHONE.test;transport=tls;x=y>'] });
    expect(
      summary(bound({ contacts: ['<sip:%61lice@phone.test;X=Y;transport=TLS>;expires=60'], cseq: 2 }, kept)),
    ).toEqual(['sip:%61lice@phone.test;X=Y;transport=TLS for 60']);
    expect(bound({ contacts: ['<sip:Alice@phone.test;transport=tls>'], cseq: 2 }, kept)).toHaveLength(2);
    expect(bound({ contacts: ['<sip:alice@phone.test>'], cseq: 2 }, kept)).toHaveLength(2);
  });

  test('is told by instance and reg-id: another address of the same phone replaces the old one (RFC 5626 §6)', () => {
    const kept = bound({ contacts: [`<sip:a@192.0.2.1:1000>${instance};reg-id=1`] });
    const moved = bound({ contacts: [`<sip:a@192.0.2.1:2000>${instance};reg-id=1`], cseq: 2 }, kept, 2);
    expect(moved.map(({ contact, flowId }) => `${contact} ${flowId}`)).toEqual(['sip:a@192.0.2.1:2000 flow-2']);
  });

  test('is another for another reg-id, another instance, and for a reg-id without instance', () => {
    const kept = bound({ contacts: [`<sip:a@h1>${instance};reg-id=1`] });
    expect(bound({ contacts: [`<sip:a@h2>${instance};reg-id=2`], cseq: 2 }, kept)).toHaveLength(2);
    expect(bound({ contacts: ['<sip:a@h2>;+sip.instance="<urn:uuid:0002>";reg-id=1'], cseq: 2 }, kept)).toHaveLength(2);
    expect(bound({ contacts: ['<sip:a@h2>;reg-id=1'], cseq: 2 }, kept)).toHaveLength(2);
  });

  test('a phone that learns to say its instance does not ring twice, and may leave without saying it', () => {
    const plain = bound({ contacts: ['<sip:a@h>'] });
    const named = bound({ contacts: [`<sip:a@h>${instance}`], cseq: 2 }, plain);
    expect(named).toHaveLength(1);
    expect(bound({ contacts: ['<sip:a@h>;expires=0'], cseq: 3 }, named)).toEqual([]);
  });

  test('two phones behind one address stay two, by their instances', () => {
    const kept = bound({ contacts: [`<sip:a@192.0.2.1>${instance}`] });
    const both = bound({ contacts: ['<sip:a@192.0.2.1>;+sip.instance="<urn:uuid:0002>"'], callId: 'b' }, kept);
    expect(both).toHaveLength(2);
  });

  test('a phone that moves may name its new contact before it takes the old one back', () => {
    const kept = bound({ contacts: [`<sip:a@old>${instance};reg-id=1`] });
    for (const contacts of [
      [`<sip:a@new>${instance};reg-id=1`, `<sip:a@old>${instance};reg-id=1;expires=0`],
      [`<sip:a@old>${instance};reg-id=1;expires=0`, `<sip:a@new>${instance};reg-id=1`],
    ]) {
      expect(summary(bound({ contacts, cseq: 2 }, kept, 2))).toEqual(['sip:a@new for 3600']);
    }
  });

  test('one REGISTER is one flow: two contacts with a reg-id are 400', () => {
    const two = [`<sip:a@h>${instance};reg-id=1`, `<sip:a@i>${instance};reg-id=2`];
    expect(status({ contacts: two })).toBe(400);
    expect(status({ contacts: [two[0] ?? '', `${two[1]};expires=0`] })).toBe(200);
  });

  test('the same contact twice in one request is one binding', () => {
    expect(bound({ contacts: ['<sip:a@h>;expires=60', '<sip:a@h>;expires=120'] })).toHaveLength(1);
  });
});

describe('a path (RFC 3327 §5.3)', () => {
  const way = '<sip:one@edge.test;lr>, <sip:two@edge.test;lr;ob>';
  const contacts = ['<sip:a@h>'];

  test.each(['Supported', 'Require'])('is kept from whom it understands (%s)', (name) => {
    const more: [string, string][] = [
      [name, 'path'],
      ['Path', way],
    ];
    expect(bound({ contacts, more })[0]?.path).toEqual(['<sip:one@edge.test;lr>', '<sip:two@edge.test;lr;ob>']);
  });

  test('is not kept from whom it does not', () => {
    expect(bound({ contacts, more: [['Path', way]] })[0]?.path).toEqual([]);
  });

  test.each([
    ['a strict router', '<sip:edge.test>'],
    ['no SIP', '<tel:+4420;lr>'],
    ['what is no address', '<sip:'],
    ['too many', Array.from({ length: 9 }, () => '<sip:edge.test;lr>').join(', ')],
    ['one too long', `<sip:${'e'.repeat(limits.contactLength)};lr>`],
  ])('of %s is refused', (_what, path) => {
    expect(
      status({
        contacts,
        more: [
          ['Supported', 'path'],
          ['Path', path],
        ],
      }),
    ).toBe(400);
  });
});

describe('what is kept', () => {
  test('is everything that a call will need, and nothing that a terminal would obey', () => {
    const [binding] = bound({
      contacts: ['"Desk" <sip:alice@198.51.100.1:40001;transport=tls>;q=0.25;methods="INVITE, BYE";+g.x'],
      more: [['User-Agent', `soft\u001b[2Jphone ${'x'.repeat(200)}`]],
      cseq: 7,
    });
    expect(binding).toEqual({
      v: 3,
      aor: 'alice@pbx.test',
      contact: 'sip:alice@198.51.100.1:40001;transport=tls',
      key: 'sip:alice@198.51.100.1:40001;transport=tls',
      callId: 'phone-1',
      sequence: 7,
      priority: 0.25,
      expiresAt: now + 3_600_000,
      flowId: 'flow-1',
      listener: 'phones',
      userAgent: `soft?[2Jphone ${'x'.repeat(128 - 'soft?[2Jphone '.length)}`,
      datagram: undefined,
      path: [],
    });
  });

  test.each([
    ['', 1],
    [';q=1', 1],
    [';q=1.000', 1],
    [';q=0', 0],
    [';q=0.125', 0.125],
    [';q=2', 1],
    [';q=-1', 1],
    [';q=1e-1', 1],
    [';q=0x1', 1],
    [';q', 1],
    [';q=NaN', 1],
  ])('a preference "%s" is %d (RFC 3261 §20.10)', (parameters, priority) => {
    expect(bound({ contacts: [`<sip:a@h>${parameters}`] })[0]?.priority).toBe(priority);
  });
});
