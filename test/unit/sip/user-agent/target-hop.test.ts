// Where in-dialog requests to a peer inside go (RFC 3261 §12.2.1.1): literal addresses only, over UDP only.
import { expect, test } from 'vitest';
import { targetHop } from '../../../../src/sip/user-agent/target-hop.ts';
import { nextHop } from '../../../support/fake-transport.ts';
import { pbxFlow, phoneFlow } from './agent-kit.ts';

test.each([
  ['sip:600@10.0.0.9:5070', '10.0.0.9', 5070],
  ['sip:600@10.0.0.9', '10.0.0.9', 5060],
  ['<sip:10.0.0.8;lr>', '10.0.0.8', 5060],
  ['sip:600@[2001:db8::9]:5070', '2001:db8::9', 5070],
])('%s is followed to %s port %i', (uri, host, port) => {
  for (const base of [nextHop(), { kind: 'flow', flow: pbxFlow } as const]) {
    expect(targetHop(base, uri)).toEqual({ kind: 'next-hop', listener: 'to-pbx', transport: 'udp', host, port });
  }
});

test.each(['sip:600@pbx.inside.test', 'sips:600@10.0.0.9', 'tel:+441632960000', 'nonsense', '<sip:proxy.test;lr>'])(
  '%s is not followed',
  (uri) => {
    const base = nextHop();
    expect(targetHop(base, uri)).toBe(base);
  },
);

test('a connection is kept', () => {
  const base = { kind: 'flow', flow: phoneFlow } as const;
  expect(targetHop(base, 'sip:alice@198.51.100.99')).toBe(base);
});
