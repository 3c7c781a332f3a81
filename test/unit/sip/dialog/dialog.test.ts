// Dialogs (RFC 3261 §12): identifiers, route sets, strict routers, sequence numbers, target refresh.
import { describe, expect, test } from 'vitest';
import {
  Dialog,
  type DialogState,
  dialogKey,
  maxRouteSetSize,
  uacDialog,
  uacHalf,
  uasDialog,
} from '../../../../src/sip/dialog/dialog.ts';
import type { SipRequest, SipResponse } from '../../../../src/sip/message/message.ts';
import { type RequestOptions, request, response } from '../../../support/sip-messages.ts';

const contact = ['Contact', '<sip:alice@198.51.100.1:5060>'] as const;

function invite(options: RequestOptions = {}): SipRequest {
  return request('INVITE', { cseq: 7, ...options, headers: [contact, ...(options.headers ?? [])] });
}

function answer(to: SipRequest, fields: readonly (readonly [string, string])[] = []): SipResponse {
  const plain = response(to, 200);
  let { headers } = plain;
  for (const [name, value] of fields) headers = headers.append(name, value);
  return { ...plain, headers };
}

function uas(message: SipRequest = invite()): DialogState {
  const state = uasDialog(message, 'ours');
  if (!state.ok) throw new Error(state.error);
  return state.value;
}

function uac(fields: readonly (readonly [string, string])[] = [['Contact', '<sip:bob@192.0.2.7>']]): DialogState {
  const message = invite();
  const half = uacHalf(message, { from: '<sip:alice@example.com>', to: '<sip:bob@example.com>' });
  const state = uacDialog(half, answer(message, fields));
  if (!state.ok) throw new Error(state.error);
  return state.value;
}

describe('the answering side', () => {
  test('takes its identifiers, target and sequence from the request (§12.1.1)', () => {
    expect(uas()).toEqual({
      role: 'uas',
      callId: 'call-1@phone.test',
      localTag: 'ours',
      remoteTag: 'from-1',
      localAddress: '<sip:bob@example.com>',
      remoteAddress: '<sip:alice@example.com>',
      remoteTarget: 'sip:alice@198.51.100.1:5060',
      routeSet: [],
      localSequence: 0,
      remoteSequence: 7,
    });
  });

  test('keeps the order of Record-Route (§12.1.1)', () => {
    const { routeSet } = uas(invite({ headers: [['Record-Route', '<sip:p1.test;lr>, <sip:p2.test;lr>']] }));
    expect(routeSet).toEqual(['<sip:p1.test;lr>', '<sip:p2.test;lr>']);
  });

  test('is none without a Contact that can be used', () => {
    expect(uasDialog(request('INVITE'), 'ours').ok).toBe(false);
    expect(
      uasDialog(
        request('INVITE', {
          headers: [
            ['Contact', '*'],
            ['Expires', '0'],
          ],
        }),
        'ours',
      ).ok,
    ).toBe(false);
  });

  test('is none with more routes than the limit', () => {
    const routes = (count: number): SipRequest =>
      invite({
        headers: [['Record-Route', Array.from({ length: count }, (_, n) => `<sip:p${n}.test;lr>`).join(', ')]],
      });
    expect(uasDialog(routes(maxRouteSetSize), 'ours').ok).toBe(true);
    expect(uasDialog(routes(maxRouteSetSize + 1), 'ours').ok).toBe(false);
  });

  test('shows display names again, quoted', () => {
    const named = invite();
    const from = '"A \\"B\\" C" <sip:alice@example.com>;tag=from-1';
    expect(uas({ ...named, headers: named.headers.with('From', from) }).remoteAddress).toBe(
      '"A \\"B\\" C" <sip:alice@example.com>',
    );
  });

  test('of a peer without a tag lives with an empty one (RFC 2543)', () => {
    const bare = invite();
    const state = uas({ ...bare, headers: bare.headers.with('From', '<sip:alice@example.com>') });
    expect(state.remoteTag).toBe('');
    expect(new Dialog(state).request('BYE').headers.get('To')).toBe('<sip:alice@example.com>');
  });
});

describe('the calling side', () => {
  test('turns Record-Route around (§12.1.2), and keeps the Request-URI where there is no Contact', () => {
    const state = uac([
      ['Record-Route', '<sip:p1.test;lr>'],
      ['Record-Route', '<sip:p2.test;lr>'],
    ]);
    expect(state).toMatchObject({
      role: 'uac',
      localTag: 'from-1',
      remoteTag: 'to-1',
      localSequence: 7,
      remoteSequence: undefined,
      remoteTarget: 'sip:bob@example.com',
      routeSet: ['<sip:p2.test;lr>', '<sip:p1.test;lr>'],
    });
  });

  test('is told apart by all three identifiers', () => {
    const { callId, localTag, remoteTag } = uac();
    const key = dialogKey(callId, localTag, remoteTag);
    expect(new Dialog(uac()).key).toBe(key);
    expect(new Set([key, dialogKey(callId, remoteTag, localTag), dialogKey('x', localTag, remoteTag)]).size).toBe(3);
  });
});

describe('a request in a dialog', () => {
  test('has the next sequence number, our tag in From and theirs in To, and goes to the target', () => {
    const dialog = new Dialog(uac());
    const bye = dialog.request('BYE');
    expect(bye.uri).toBe('sip:bob@192.0.2.7');
    expect([...bye.headers.entries()]).toEqual([
      ['Max-Forwards', '70'],
      ['From', '<sip:alice@example.com>;tag=from-1'],
      ['To', '<sip:bob@example.com>;tag=to-1'],
      ['Call-ID', 'call-1@phone.test'],
      ['CSeq', '8 BYE'],
    ]);
    expect(dialog.request('INVITE').headers.get('CSeq')).toBe('9 INVITE');
  });

  test('ACK has the sequence number of its INVITE', () => {
    const dialog = new Dialog(uac());
    expect(dialog.ack(7).headers.get('CSeq')).toBe('7 ACK');
    expect(dialog.request('BYE').headers.get('CSeq')).toBe('8 BYE');
  });

  test('carries loose routes as Route, and the target as Request-URI (§12.2.1.1)', () => {
    const dialog = new Dialog({ ...uac(), routeSet: ['<sip:p1.test;lr>', '<sip:p2.test;lr=on>'] });
    const bye = dialog.request('BYE');
    expect(bye.uri).toBe('sip:bob@192.0.2.7');
    expect(bye.headers.all('Route')).toEqual(['<sip:p1.test;lr>', '<sip:p2.test;lr=on>']);
    expect(dialog.nextHop).toBe('<sip:p1.test;lr>');
  });

  test('to a strict router puts it into the Request-URI, and the target last (§12.2.1.1)', () => {
    const dialog = new Dialog({ ...uac(), routeSet: ['<sip:strict.test>', '<sip:p2.test;lr>'] });
    const bye = dialog.request('BYE');
    expect(bye.uri).toBe('sip:strict.test');
    expect(bye.headers.all('Route')).toEqual(['<sip:p2.test;lr>', '<sip:bob@192.0.2.7>']);
  });

  test('does not take a parameter that begins with lr for lr', () => {
    const dialog = new Dialog({ ...uac(), routeSet: ['<sip:strict.test;lroute=1>'] });
    expect(dialog.request('BYE').uri).toBe('sip:strict.test;lroute=1');
  });

  test('carries what it is given: Contact, headers, a body and its type', () => {
    const body = { contentType: 'application/sdp', bytes: Buffer.from('v=0') };
    const reinvite = new Dialog(uac()).request('INVITE', { contact: '<sip:us@192.0.2.1>', body });
    expect(reinvite.headers.get('Contact')).toBe('<sip:us@192.0.2.1>');
    expect(reinvite.headers.get('Content-Type')).toBe('application/sdp');
    expect(reinvite.body).toBe(body.bytes);
  });
});

describe('a request that comes', () => {
  const next = (cseq: number, method = 'INFO'): SipRequest => request(method, { cseq });

  test('is taken when its number is higher than all before, with gaps (§12.2.2)', () => {
    const dialog = new Dialog(uas());
    expect(dialog.accept(next(7))).toBe(false);
    expect(dialog.accept(next(8))).toBe(true);
    expect(dialog.accept(next(100))).toBe(true);
    expect(dialog.accept(next(99))).toBe(false);
    expect(dialog.state.remoteSequence).toBe(100);
  });

  test('is taken as the first whatever its number, on the side that called', () => {
    expect(new Dialog(uac()).accept(next(0))).toBe(true);
  });

  test('ACK is taken by the number of its INVITE', () => {
    const dialog = new Dialog(uas());
    expect(dialog.accept(next(7, 'ACK'))).toBe(true);
    expect(dialog.state.remoteSequence).toBe(7);
  });
});

describe('the target', () => {
  test('follows the Contact of a re-INVITE or its 2xx (§12.2), and stays where there is none', () => {
    const dialog = new Dialog(uas());
    dialog.refreshTarget(request('INVITE', { headers: [['Contact', '<sip:alice@198.51.100.9>']] }));
    expect(dialog.state.remoteTarget).toBe('sip:alice@198.51.100.9');
    dialog.refreshTarget(response(invite(), 200));
    expect(dialog.state.remoteTarget).toBe('sip:alice@198.51.100.9');
    expect(dialog.state.routeSet).toEqual([]);
  });
});

test('a dialog is its plain record: made again from it, it goes on where it was', () => {
  const dialog = new Dialog(uac());
  dialog.request('INVITE');
  const again = new Dialog(structuredClone(dialog.state));
  expect(again.state).toEqual(dialog.state);
  expect(again.request('BYE').headers.get('CSeq')).toBe('9 BYE');
});
