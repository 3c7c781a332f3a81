// The dashboard over an upgrade, on real processes: whoever is signed in stays so, and a restart signs everybody out.
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { codeAt, newTotpSecret } from '../../src/policy/totp.ts';
import { openState } from '../../src/store/sqlite/state.ts';
import { freePort } from '../support/free-ports.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { ServedSite } from './support/served-site.ts';

export const cases: readonly NativeCase[] = [
  {
    name: 'an operator stays signed in to the dashboard over an upgrade, and is signed out by a restart',
    limitMs: 120_000,
    run: upgraded,
  },
];

const password = 'a-password-of-some-length-2';
/** Of one-time codes, in ms. */
const step = 30_000;

async function upgraded(): Promise<void> {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const admin = `[admin.web]\naddress = "${new URL(origin).host}"\n`;
  const site = await ServedSite.start({ users: ['alice'], sbc: 'spare = false', admin });
  try {
    const secret = newTotpSecret(systemRandom);
    const state = openState(join(site.folder, 'var'), { clock: systemClock, random: systemRandom });
    await state.admins.add('carol', password, secret);
    state.close();
    const code = codeAt(secret, Math.floor(systemClock.wall() / step));
    const reply = await fetch(`${origin}/api/sign-in`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: origin },
      body: JSON.stringify({ name: 'carol', password, code }),
    });
    const [cookie = ''] = (reply.headers.get('set-cookie') ?? '').split(';');
    check(reply.ok && cookie !== '', `signing in was answered ${reply.status}`);
    const look = async (headers: Record<string, string>): Promise<number> => {
      return (await fetch(`${origin}/api/overview`, { headers })).status;
    };
    checkEqual([await look({ Cookie: cookie }), await look({})], [200, 401], 'with the session and without, before');

    const { process: before } = await site.status();
    const ready = site.log.length;
    site.process.kill('SIGUSR2');
    await site.until('upgraded', ready);
    check((await site.status()).process !== before, 'the same process serves');
    checkEqual([await look({ Cookie: cookie }), await look({})], [200, 401], 'with the session and without, after it');

    await site.stop();
    await site.run();
    checkEqual(await look({ Cookie: cookie }), 401, 'with the session after a restart');
  } finally {
    await site.close();
  }
}
