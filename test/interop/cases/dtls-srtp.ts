// Phones with DTLS-SRTP outside, plain RTP inside: called and calling, so that we are active and passive; and offered DTLS by us.
// The phone has RTP and RTCP on two ports, so that there are two associations a call (RFC 5764 §5.1.1).
import { type CaseContext, check } from '../case.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'dtls-srtp';
export const limitMs = 180_000;

export async function run(context: CaseContext): Promise<void> {
  const { note } = context;
  const site = await Site.open(context, { keying: ['dtls'] });
  const judge = await site.watchOutside();
  const phone = { media: 'dtls_srtp', modules: ['dtls_srtp'] } as const;
  const alice = await site.phone('alice', 'wonder', phone);
  const bob = await site.phone('bob', 'builder', { ...phone, rtcpMux: true });
  const carol = await site.pbxPhone('carol');

  for (const [user, caller] of [
    ['alice', alice],
    ['bob', bob],
  ] as const) {
    await caller.dial(`sip:carol@${DOMAIN}`);
    const seen = user === 'alice' ? 0 : 2;
    await caller.event('CALL_ESTABLISHED');
    await carol.event('CALL_ESTABLISHED', 10_000, seen);
    await pause(4_000);
    await caller.hangup();
    await carol.event('CALL_CLOSED', 10_000, seen);
    note(`${user} calls: ${await expectTone(caller, user)}; ${await expectTone(carol, 'carol', 2, seen)}`);

    await carol.dial(`sip:${user}@${DOMAIN}`);
    await caller.event('CALL_ESTABLISHED', 10_000, 1);
    await carol.event('CALL_ESTABLISHED', 10_000, seen + 1);
    await pause(4_000);
    await carol.hangup();
    await caller.event('CALL_CLOSED', 10_000, 1);
    note(
      `${user} is called: ${await expectTone(caller, user, 2, 1)}; ${await expectTone(carol, 'carol', 2, seen + 1)}`,
    );
  }

  const wire = await judge();
  check(wire.offences.length === 0, `readable outside: ${wire.offences.join('; ')}`);
  check(wire.srtpPackets > 1_200 && wire.dtlsDatagrams >= 20, `too little was captured: ${JSON.stringify(wire)}`);
  note(`outside: ${wire.srtpPackets} SRTP, ${wire.srtcpPackets} SRTCP packets, ${wire.dtlsDatagrams} of DTLS`);
  await site.close();
}
