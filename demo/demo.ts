// A real call from end to end, on one machine: alice → SBC → PBX → SBC → bob, TLS with digest and SRTP outside, UDP and plain
// RTP inside. Prints the call ladder, what each side heard, and the call records. Exit status 1: no audio.
import { systemClock } from '../src/core/clock.ts';
import { messageOf } from '../src/core/errors.ts';
import { formatSocketAddress } from '../src/core/socket-address.ts';
import { LoopbackSite } from '../test/support/loopback-site.ts';
import type { Heard } from '../test/support/phone-media.ts';
import { Ladder } from './ladder.ts';

/** 20 ms each. */
const packets = 150;
const leastHeard = 0.98;
const longestRun = 19_000;

setTimeout(() => fail('it did not end in time'), longestRun).unref();
try {
  const failed = await call();
  if (failed !== undefined) fail(failed);
} catch (thrown) {
  fail(messageOf(thrown));
}

/** What went wrong, if anything did. */
async function call(): Promise<string | undefined> {
  const ladder = new Ladder(() => systemClock.now());
  const site = await LoopbackSite.start({
    users: ['alice', 'bob'],
    watchPbx: ladder.watch('pbx'),
    onDefect: (thrown) => fail(messageOf(thrown)),
  });
  try {
    say(`SBC at ${formatSocketAddress(site.edge)} (TLS), PBX at ${formatSocketAddress(site.pbx.address)} (UDP)`);
    return await talk(site, ladder);
  } finally {
    await site.close();
    site.remove();
  }
}

async function talk(site: LoopbackSite, ladder: Ladder): Promise<string | undefined> {
  const alice = await site.phone('alice', ladder.watch('alice'));
  const bob = await site.phone('bob', ladder.watch('bob'));
  const registered = [await alice.register(), await bob.register()];
  if (registered.some((status) => status !== 200)) return `registration failed: ${registered.join(', ')}`;

  say(`alice calls bob, and both say 440 Hz for ${packets / 50} s`);
  const dialling = alice.call('bob');
  const ring = await Promise.race([bob.nextCall(), dialling.answered.then(() => undefined)]);
  if (ring === undefined) return 'somebody answered, and it was not bob';
  const bobsEnd = await ring.answer();
  const alicesEnd = await dialling.answered;
  await Promise.all([alicesEnd.talk(packets), bobsEnd.talk(packets)]);
  // The last packets are still on their way.
  await new Promise<void>((resolve) => site.scheduler.after(100, resolve));
  await alicesEnd.hangUp();
  await bobsEnd.ended;
  await site.close();

  say('\nThe call (ms, as the phones and the PBX saw it):\n');
  for (const line of ladder.lines()) say(line);
  say('\nThe audio:\n');
  report('alice → bob', bobsEnd.heard);
  report('bob → alice', alicesEnd.heard);
  say('\nThe call records, one for each of the two calls that the PBX joins:\n');
  for (const record of site.records()) say(record);
  return [alicesEnd.heard, bobsEnd.heard].every(isGood) ? undefined : 'audio did not arrive';
}

function report(way: string, heard: Heard): void {
  const { tone, meanOpinionScore, jitter, lost } = heard;
  say(
    `  ${way}: ${packets} packets sent, ${heard.packets} heard, ${lost} lost, jitter ${jitter.toFixed(1)} ms, ` +
      `MOS ${meanOpinionScore.toFixed(2)}, 440 Hz at ${tone.decibels.toFixed(1)} dB`,
  );
}

function isGood({ packets: heard, tone }: Heard): boolean {
  return heard >= packets * leastHeard && tone.share > 0.9;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(reason: string): never {
  process.stderr.write(`demo failed: ${reason}\n`);
  process.exit(1);
}
