// A phone with TLS and SRTP calls a phone of the PBX through the reference SBC: both hear the tone, and outside nothing is
// readable. So the phone, the PBX, the reference and the wire check are right before Portcullis stands between them.
import { type CaseContext, check } from '../case.ts';
import { Baresip } from '../peers/baresip.ts';
import { Capture } from '../peers/capture.ts';
import { CertificateAuthority } from '../peers/certificates.ts';
import { PBX_PORT, startKamailioPbx } from '../peers/kamailio-pbx.ts';
import { SBC_TLS_PORT, SBC_UDP_PORT } from '../peers/kamailio-sbc.ts';
import { startReferenceSbc } from '../peers/reference.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { baresipGreetings, judgeWire } from '../peers/wire-check.ts';

export const name = 'self-reference-call';
export const selfTest = true;

export async function run({ lab, defer, note }: CaseContext): Promise<void> {
  const domain = 'pbx.test';
  const authority = await CertificateAuthority.create(lab);
  const sbc = await lab.addHost('sbc', 1, ['outside', 'inside']);
  const pbx = await lab.addHost('pbx', 5, ['inside']);
  const kamailio = await startKamailioPbx(lab, {
    host: pbx,
    sbc: `${sbc.inside}:${SBC_UDP_PORT}`,
    sbcUsers: ['alice'],
    domain,
  });
  defer(() => kamailio.stop());
  const reference = await startReferenceSbc(lab, {
    host: sbc,
    authority,
    pbx: `${pbx.inside}:${PBX_PORT}`,
    domain,
    users: { alice: 'wonder' },
  });
  defer(() => reference.stop());
  const capture = await Capture.start(lab, 'outside');
  const alice = await Baresip.start(lab, {
    host: await lab.addHost('alice', 21, ['outside']),
    network: 'outside',
    user: 'alice',
    password: 'wonder',
    domain,
    proxy: { address: sbc.outside, port: SBC_TLS_PORT, transport: 'tls' },
    authority: authority.certificate,
    media: 'srtp-mand',
  });
  defer(() => alice.stop());
  const carol = await Baresip.start(lab, {
    host: await lab.addHost('carol', 31, ['inside']),
    network: 'inside',
    user: 'carol',
    domain,
    proxy: { address: pbx.inside, port: PBX_PORT, transport: 'udp' },
    media: 'plain',
  });
  defer(() => carol.stop());
  await alice.dial(`sip:carol@${domain}`);
  await alice.event('CALL_ESTABLISHED');
  await carol.event('CALL_ESTABLISHED');
  await pause(4_000);
  await alice.hangup();
  await carol.event('CALL_CLOSED');
  note(await expectTone(alice, 'alice'));
  note(await expectTone(carol, 'carol'));
  await carol.dial(`sip:alice@${domain}`);
  await alice.event('CALL_ESTABLISHED', 10_000, 1);
  await pause(4_000);
  await carol.hangup();
  await alice.event('CALL_CLOSED', 10_000, 1);
  note(`back: ${await expectTone(alice, 'alice', 2, 1)}`);
  note(`back: ${await expectTone(carol, 'carol', 2, 1)}`);
  const wire = judgeWire(await capture.stop(), baresipGreetings(sbc.outside));
  check(wire.offences.length === 0, `readable outside: ${wire.offences.join('; ')}`);
  check(wire.srtpPackets > 600 && wire.tlsBytes > 3_000, `too little was captured: ${JSON.stringify(wire)}`);
  note(
    `outside: ${wire.srtpPackets} SRTP, ${wire.srtcpPackets} SRTCP packets, ${wire.tlsBytes} B of TLS, nothing else`,
  );
}
