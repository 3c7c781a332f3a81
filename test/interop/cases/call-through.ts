// Phone (TLS, SRTP mandatory, digest) → Portcullis → PBX (UDP, plain RTP) → phone of the PBX, and the other way round.
import { type CaseContext, check } from '../case.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'call-through';
export const limitMs = 120_000;

export async function run(context: CaseContext): Promise<void> {
  const { note } = context;
  const site = await Site.open(context);
  const judge = await site.watchOutside();
  const alice = await site.phone('alice', 'wonder');
  const carol = await site.pbxPhone('carol');

  await alice.dial(`sip:carol@${DOMAIN}`);
  await alice.event('CALL_ESTABLISHED');
  await carol.event('CALL_ESTABLISHED');
  await pause(4_000);
  await alice.hangup();
  await carol.event('CALL_CLOSED');
  note(`phone to PBX: ${await expectTone(alice, 'alice')}; ${await expectTone(carol, 'carol')}`);

  await carol.dial(`sip:alice@${DOMAIN}`);
  await alice.event('CALL_ESTABLISHED', 10_000, 1);
  await carol.event('CALL_ESTABLISHED', 10_000, 1);
  await pause(4_000);
  await carol.hangup();
  await alice.event('CALL_CLOSED', 10_000, 1);
  note(`PBX to phone: ${await expectTone(alice, 'alice', 2, 1)}; ${await expectTone(carol, 'carol', 2, 1)}`);

  const wire = await judge();
  check(wire.offences.length === 0, `readable outside: ${wire.offences.join('; ')}`);
  check(wire.srtpPackets > 600 && wire.tlsBytes > 3_000, `too little was captured: ${JSON.stringify(wire)}`);
  note(
    `outside: ${wire.srtpPackets} SRTP, ${wire.srtcpPackets} SRTCP packets, ${wire.tlsBytes} B of TLS, nothing else`,
  );
  await site.close({ lingering: false }); // every transaction ends by itself
}
