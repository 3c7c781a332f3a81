// `portcullis trace CALL --pcap` as tshark reads it: the SIP of both sides, and the headers of the first media packets, while the
// call runs and after it; nothing of what was said, and no key.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CaseContext, check } from '../case.ts';
import { runInTree } from '../peers/peer-process.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'trace-capture';
export const limitMs = 90_000;

/** The default of `trace.media_packets`, four streams: each side, each way. */
const notedPackets = 4 * 20;

export async function run(context: CaseContext): Promise<void> {
  const { lab, note } = context;
  const site = await Site.open(context);
  const alice = await site.phone('alice', 'wonder');
  const carol = await site.pbxPhone('carol');
  await alice.dial(`sip:carol@${DOMAIN}`);
  await alice.event('CALL_ESTABLISHED');
  await carol.event('CALL_ESTABLISHED');
  await pause(3_000);
  const call = /"id":\s*"([^"]+)"/.exec(await site.sbc.command('calls', '--json'))?.[1] ?? '';
  const live = await judge('live');
  await alice.hangup();
  await carol.event('CALL_CLOSED');
  await expectTone(alice, 'alice');
  const past = await judge('past');
  note(`tshark reads ${live} while it runs, ${past} after it`);
  await site.close();

  async function judge(when: string): Promise<string> {
    const file = join(lab.directory('traces'), `${when}.pcap`);
    await site.sbc.command('trace', call, '--pcap', file);
    const read = (filter: string, ...fields: readonly string[]) =>
      runInTree(lab, 'bookworm', [
        '/usr/bin/tshark',
        '-r',
        file,
        '-Y',
        filter,
        '-T',
        'fields',
        ...fields.flatMap((field) => ['-e', field]),
      ]);
    const invites = linesOf(await read('sip.Method == "INVITE"', 'sip.Call-ID'));
    check(new Set(invites).size === 2, `two dialogs of SIP, got ${invites.length} INVITEs`);
    const media = linesOf(await read('rtp', 'rtp.p_type', 'rtp.seq', 'rtp.ssrc', 'frame.len', 'frame.cap_len'));
    check(media.length >= notedPackets - 4 && media.length <= notedPackets, `${media.length} RTP headers`);
    const fields = media.map((line) => line.split('\t'));
    check(
      fields.every(([type]) => type === '8'),
      `G.711 was spoken: ${media[0]}`,
    );
    check(new Set(fields.map(([, , ssrc]) => ssrc)).size === 2, 'two sources');
    const isCut = fields.every(([, , , whole, kept]) => Number(whole) - Number(kept) >= 160);
    check(isCut, `a payload was kept: ${media[0]}`);
    check(!readFileSync(file).includes('inline:A'), 'a key was kept');
    return `${invites.length} INVITEs and ${media.length} RTP headers`;
  }
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}
