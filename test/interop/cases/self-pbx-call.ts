// Two phones of the PBX call one another in plain SIP and RTP; each hears the other's tone.
import { type CaseContext, check } from '../case.ts';
import { Baresip } from '../peers/baresip.ts';
import { Capture } from '../peers/capture.ts';
import { startKamailioPbx } from '../peers/kamailio-pbx.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { judgeWire } from '../peers/wire-check.ts';

export const name = 'self-pbx-call';
export const selfTest = true;

export async function run({ lab, defer, note }: CaseContext): Promise<void> {
  const pbx = await lab.addHost('pbx', 5, ['inside']);
  const kamailio = await startKamailioPbx(lab, {
    host: pbx,
    sbc: '10.99.2.1:5060',
    sbcUsers: ['alice'],
    domain: 'pbx.test',
  });
  defer(() => kamailio.stop());
  const phones = [];
  for (const [index, user] of ['carol', 'dave'].entries()) {
    const host = await lab.addHost(user, 31 + index, ['inside']);
    const phone = await Baresip.start(lab, {
      host,
      network: 'inside',
      user,
      domain: 'pbx.test',
      proxy: { address: pbx.inside, port: 5060, transport: 'udp' },
      media: 'plain',
    });
    defer(() => phone.stop());
    phones.push(phone);
  }
  const [carol, dave] = phones;
  check(carol !== undefined && dave !== undefined, 'two phones');
  const capture = await Capture.start(lab, 'inside');
  await carol.dial('sip:dave@pbx.test');
  await carol.event('CALL_ESTABLISHED');
  await dave.event('CALL_ESTABLISHED');
  await pause(4_000);
  await carol.hangup();
  await dave.event('CALL_CLOSED');
  const packets = await capture.stop();
  note(await expectTone(carol, 'carol'));
  note(await expectTone(dave, 'dave'));
  check(judgeWire(packets).offences.length > 0, 'a plain call passed as an encrypted one');
}
