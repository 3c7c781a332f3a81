// [hep] as Kamailio's sipcapture reads it, which is what Homer takes packets with: every message of both legs, with its addresses, its time and
// the correlation of the call, and no secret.
import { type CaseContext, check } from '../case.ts';
import { HEP_PORT, KamailioHomer } from '../peers/kamailio-homer.ts';
import { PBX_PORT } from '../peers/kamailio-pbx.ts';
import { Lab } from '../peers/lab.ts';
import { PORTCULLIS_TLS_PORT, PORTCULLIS_UDP_PORT } from '../peers/portcullis.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'hep-export';
export const limitMs = 120_000;

const HOMER_NUMBER = 9;
const CAPTURE_ID = 42;
/** As Kamailio numbers them. */
const UDP = 1;
const TCP = 2;
/** Messages are told some milliseconds after they passed. */
const CLOCK_TOLERANCE_S = 2;

export async function run(context: CaseContext): Promise<void> {
  const { lab, defer, note } = context;
  const homer = await KamailioHomer.start(lab, await lab.addHost('homer', HOMER_NUMBER, ['inside']));
  defer(() => homer.process.stop());
  const address = `${Lab.addressOf('inside', HOMER_NUMBER)}:${HEP_PORT}`;
  const site = await Site.open(context, { more: `[hep]\naddress = "${address}"\ncapture_id = ${CAPTURE_ID}\n` });
  const begun = Math.floor(Date.now() / 1_000);
  const alice = await site.phone('alice', 'wonder');
  const carol = await site.pbxPhone('carol');
  await alice.dial(`sip:carol@${DOMAIN}`);
  await alice.event('CALL_ESTABLISHED');
  await carol.event('CALL_ESTABLISHED');
  await pause(3_000);
  await alice.hangup();
  await carol.event('CALL_CLOSED');
  await expectTone(alice, 'alice');
  // Messages go within 50 ms, and all that was sent is counted.
  await pause(1_000);
  const sent = (await site.sbc.metric('sbc_hep_sent_total')) ?? 0;
  const rows = await homer.stop();
  check(rows.length >= sent && sent > 15, `${rows.length} messages captured, ${sent} sent`);
  const ended = Math.ceil(Date.now() / 1_000);

  const outside = rows.filter(({ proto }) => proto === TCP);
  const inside = rows.filter(({ proto }) => proto === UDP);
  check(outside.length + inside.length === rows.length, 'a message came by neither TCP nor UDP');
  const [own, pbx] = [
    `${Lab.addressOf('inside', 1)}:${PORTCULLIS_UDP_PORT}`,
    `${Lab.addressOf('inside', 5)}:${PBX_PORT}`,
  ];
  const edge = `${Lab.addressOf('outside', 1)}:${PORTCULLIS_TLS_PORT}`;
  for (const { source, destination } of outside)
    check([source, destination].includes(edge), `${source} to ${destination}`);
  for (const { source, destination } of inside) {
    check([`${own} ${pbx}`, `${pbx} ${own}`].includes(`${source} ${destination}`), `${source} to ${destination}`);
  }
  const byes = rows.filter(({ cseq }) => cseq.endsWith(' BYE'));
  check(byes.length === 4, `${byes.length} BYEs and answers to them`);
  const legs = new Set(byes.map(({ callid }) => callid));
  const correlations = new Set(rows.filter(({ callid }) => legs.has(callid)).map(({ correlation }) => correlation));
  check(
    legs.size === 2 && correlations.size === 1,
    `legs ${[...legs].join()}, correlated as ${[...correlations].join()}`,
  );
  const invites = rows.filter(({ message }) => message.startsWith('INVITE ') && message.includes('m=audio'));
  check(
    invites.some(({ proto }) => proto === TCP) && invites.some(({ proto }) => proto === UDP),
    'no INVITE with SDP of both legs',
  );
  const isTimely = rows.every(({ date }) => date >= begun - CLOCK_TOLERANCE_S && date <= ended + CLOCK_TOLERANCE_S);
  check(isTimely, `captured at ${rows.map(({ date }) => date).join()}, not from ${begun} to ${ended}`);
  check(
    rows.every(({ node }) => node.endsWith(`:${CAPTURE_ID}`)),
    `captured by ${rows[0]?.node}`,
  );
  check(!rows.some(({ message }) => /inline:[^x]|response="[^x]/.test(message)), 'a secret was captured');
  note(`${rows.length} messages, ${outside.length} of them over TLS; the two legs are one call`);
  await site.close();
}
