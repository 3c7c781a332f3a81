// Several domains at one listener.
import { expect, test } from 'vitest';
import { DigestClient } from '../../src/sip/auth/digest-client.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { Scenario } from '../support/scenario.ts';
import { hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { passwords } from '../support/scenario-config.ts';
import { CalleeLeg, type CallerLeg } from '../support/scenario-peer.ts';

const password = passwords['alice'] ?? '';
const tables = `
[[domain]]
name = "modern.test"
algorithms = ["SHA-256"]
[[user]]
name = "alice"
domain = "modern.test"
password = "${password}"
`;

test('MD5 authenticates in the one, and is neither offered nor taken in the other (RFC 8760)', async () => {
  const s = new Scenario({ tables });
  const phone = s.phone('alice');
  const offered: string[][] = [];
  /** Signs with the algorithm that stands in the one challenge that is left. */
  const dial = async (domain: string, algorithm: string): Promise<CallerLeg> => {
    const call = phone.dial('600', { uri: `sip:600@${domain}`, from: `<sip:alice@${domain}>` });
    await phone.send(call.invite);
    const challenge = await call.takeRefusal(401);
    const lines = challenge.headers.all('WWW-Authenticate');
    offered.push(lines.map((line) => /algorithm=([A-Z0-9-]+)/.exec(line)?.[1] ?? ''));
    const line = lines[0]?.replace(/algorithm=[A-Z0-9-]+/, `algorithm=${algorithm}`) ?? '';
    // A client answers one realm alone.
    const client = new DigestClient({ username: 'alice', password }, new SeededRandom(1));
    const answer = client.answer(call.invite, {
      ...challenge,
      headers: challenge.headers.with('WWW-Authenticate', line),
    });
    if (!answer.ok) throw new Error(answer.error);
    await call.send('INVITE', { body: phone.offer(), fields: [[answer.value.header, answer.value.value]] });
    return call;
  };
  const talk = async (call: CallerLeg): Promise<void> => {
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
  };
  await talk(await dial('pbx.test', 'MD5'));
  await talk(await dial('modern.test', 'SHA-256'));
  await (await dial('modern.test', 'MD5')).takeRefusal(401);
  s.pbx.expectNothing();
  expect(offered).toEqual([['SHA-256', 'MD5'], ['SHA-256'], ['SHA-256']]);
  await s.finish();
});
