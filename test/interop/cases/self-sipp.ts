// SIPp registers and calls with digest over TLS through the reference SBC, MD5 and SHA-256, and is answered by another SIPp.
import { type CaseContext, check } from '../case.ts';
import { CertificateAuthority } from '../peers/certificates.ts';
import { PBX_PORT, startKamailioPbx } from '../peers/kamailio-pbx.ts';
import { SBC_TLS_PORT, SBC_UDP_PORT } from '../peers/kamailio-sbc.ts';
import { startReferenceSbc } from '../peers/reference.ts';
import { SippCaller, startSippAnswerer } from '../peers/sipp.ts';

export const name = 'self-sipp';
export const selfTest = true;

const CALLS = 20;

export async function run({ lab, defer, note }: CaseContext): Promise<void> {
  const domain = 'pbx.test';
  const authority = await CertificateAuthority.create(lab);
  const client = await authority.issue({ name: 'sipp-client', key: 'ec' });
  const sbc = await lab.addHost('sbc', 1, ['outside', 'inside']);
  const pbx = await lab.addHost('pbx', 5, ['inside']);
  const caller = await lab.addHost('caller', 21, ['outside']);
  const callee = await lab.addHost('callee', 31, ['inside']);
  const kamailio = await startKamailioPbx(lab, {
    host: pbx,
    sbc: `${sbc.inside}:${SBC_UDP_PORT}`,
    sbcUsers: [],
    domain,
    contacts: { 9000: `sip:9000@${callee.inside}:5070` },
  });
  defer(() => kamailio.stop());
  const answerer = await startSippAnswerer(lab, {
    name: 'sipp-answer',
    host: callee,
    network: 'inside',
    port: 5070,
    echo: true,
  });
  defer(() => answerer.stop());
  const names = Array.from({ length: 10 }, (_, index) => `user${index}`);
  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    const reference = await startReferenceSbc(lab, {
      name: `sbc-${algorithm}`,
      host: sbc,
      authority,
      pbx: `${pbx.inside}:${PBX_PORT}`,
      domain,
      users: Object.fromEntries(names.map((user) => [user, `secret-${user}`])),
      algorithm,
      rtpengine: { name: `rtpengine-${algorithm}` },
    });
    for (const scenario of ['register', 'call', 'call-media'] as const) {
      const result = await SippCaller.start(lab, {
        name: `sipp-${scenario}-${algorithm}`,
        host: caller,
        network: 'outside',
        scenario,
        target: { address: sbc.outside, port: SBC_TLS_PORT },
        transport: 'tls',
        connectionPerCall: scenario === 'call-media',
        tls: { certificate: client, authority: authority.certificate },
        users: names.map((user) => ({ name: user, password: `secret-${user}`, callee: '9000' })),
        domain,
        calls: scenario === 'call-media' ? 4 : CALLS,
        rate: 10,
        holdMs: 1_000,
        timeoutMs: 20_000,
      }).result();
      const { successful, failed, errors, responseTimes, exitCode } = result;
      check(successful > 0 && failed === 0, `${scenario} ${algorithm}: ${successful} good, ${failed} bad: ${errors}`);
      check(exitCode === 0, `${scenario} ${algorithm}: SIPp ended with ${exitCode}: ${errors}`);
      const times = (scenario === 'register' ? responseTimes.register : responseTimes.answer) ?? [];
      check(times.length === successful, `${times.length} response times for ${successful} exchanges`);
      note(`${scenario} with ${algorithm}: ${successful}, ${Math.max(...times)} ms at most`);
    }
    await reference.stop();
  }
}
