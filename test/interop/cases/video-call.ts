// A call of audio and video (VP8) between baresip with SRTP outside and baresip without inside, made by each of them: both hear the
// other's tone, and each decodes pictures of what the other one films. Where the policy has no video, the same
// phones have a call of audio alone.
import { type CaseContext, check } from '../case.ts';
import type { Baresip } from '../peers/baresip.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'video-call';
export const limitMs = 120_000;

const talkMs = 4_000;

export async function run(context: CaseContext): Promise<void> {
  const { note } = context;
  const site = await Site.open(context);
  const carol = await site.pbxPhone('carol', { video: true });
  const alice = await site.phone('alice', 'wonder', { video: true });
  note(`alice calls: ${await converse(alice, 'carol', carol, 0)}`);
  note(`carol calls: ${await converse(carol, 'alice', alice, 1)}`);
  await site.restart({ video: false });
  const bob = await site.phone('bob', 'builder', { video: true });
  await bob.dial(`sip:carol@${DOMAIN}`);
  await carol.event('CALL_ESTABLISHED', 10_000, 2);
  await pause(talkMs);
  const pictures = [await bob.picture('refused'), await carol.picture('refused')];
  check(
    pictures.every((picture) => picture === undefined),
    'video crossed where the policy has none',
  );
  await bob.hangup();
  await carol.event('CALL_CLOSED', 10_000, 2);
  note(`without video: ${await expectTone(bob, 'bob')}; ${await expectTone(carol, 'carol', 2, 2)}`);
  await site.close();
}

async function converse(caller: Baresip, callee: string, other: Baresip, call: number): Promise<string> {
  await caller.dial(`sip:${callee}@${DOMAIN}`);
  await caller.event('CALL_ESTABLISHED', 10_000, call);
  await other.event('CALL_ESTABLISHED', 10_000, call);
  await pause(talkMs);
  const seen: string[] = [];
  for (const phone of [caller, other]) {
    const picture = await phone.picture(`call-${call}`);
    check(picture !== undefined, `${phone.user} decoded no video`);
    seen.push(`${phone.user} saw ${picture?.readUInt32BE(16)} x ${picture?.readUInt32BE(20)} pixels`);
  }
  await caller.hangup();
  await other.event('CALL_CLOSED', 10_000, call);
  const heard = [await expectTone(caller, caller.user, 2, call), await expectTone(other, other.user, 2, call)];
  return [...heard, ...seen].join('; ');
}
