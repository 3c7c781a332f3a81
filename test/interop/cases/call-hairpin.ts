// Phone → Portcullis → PBX → Portcullis → second phone: both phones outside, with TLS and SRTP, the PBX between them.
import { type CaseContext, check } from '../case.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'call-hairpin';
export const limitMs = 120_000;

export async function run(context: CaseContext): Promise<void> {
  const { note } = context;
  const site = await Site.open(context);
  const judge = await site.watchOutside();
  const alice = await site.phone('alice', 'wonder');
  const bob = await site.phone('bob', 'builder');
  await alice.dial(`sip:bob@${DOMAIN}`);
  await alice.event('CALL_ESTABLISHED');
  await bob.event('CALL_ESTABLISHED');
  await pause(4_000);
  check((await site.sbc.metric('sbc_calls_active')) === 2, 'the call did not go out and in again');
  await bob.hangup();
  await alice.event('CALL_CLOSED');
  note(`${await expectTone(alice, 'alice')}; ${await expectTone(bob, 'bob')}`);
  const wire = await judge();
  check(wire.offences.length === 0, `readable outside: ${wire.offences.join('; ')}`);
  check(wire.srtpPackets > 600, `too little was captured: ${JSON.stringify(wire)}`);
  note(
    `outside: ${wire.srtpPackets} SRTP, ${wire.srtcpPackets} SRTCP packets, ${wire.tlsBytes} B of TLS, nothing else`,
  );
  await site.close();
}
