// Users who need more than a password, by SIPp: an unknown device is refused until it is approved on the command line, and a user who
// is held to a zone registers from there alone.
import { type CaseContext, check } from '../case.ts';
import { Site } from '../site.ts';

export const name = 'access';
export const limitMs = 90_000;

export async function run(context: CaseContext): Promise<void> {
  const site = await Site.open(context, {
    algorithms: ['MD5'],
    more: `
[[zone]]
name = "here"
networks = ["10.99.1.0/24"]
[[zone]]
name = "elsewhere"
networks = ["192.0.2.0/24"]
[[user]]
name = "held"
password = "held-secret"
second_factor = "device"
[[user]]
name = "near"
password = "near-secret"
zones = ["here"]
[[user]]
name = "far"
password = "far-secret"
zones = ["elsewhere"]
`,
  });
  const registers = async (user: string): Promise<boolean> => {
    const phone = await site.caller('register', [{ name: user, password: `${user}-secret` }], {
      calls: 1,
      rate: 1,
      holdMs: 0,
    });
    const { successful, errors } = await phone.result();
    check(successful === 1 || /SIP\/2\.0 403 /.test(errors), `${user} was not refused with 403: ${errors}`);
    check(successful === 1 || !/office|zone|elsewhere|pending/i.test(errors), `the wire tells ${user} why: ${errors}`);
    return successful === 1;
  };
  check(!(await registers('held')), 'a device that nobody approved registered');
  const listed: unknown = JSON.parse(await site.sbc.command('devices', '--json'));
  const id = /"id":"([0-9a-f]{16})"/.exec(JSON.stringify(listed))?.[1] ?? '';
  context.note((await site.sbc.command('devices', 'approve', id)).trim());
  check(await registers('held'), 'an approved device did not register');
  await site.sbc.command('devices', 'deny', id);
  check(!(await registers('held')), 'a denied device registered');
  check(await registers('near'), 'a user did not register from its zone');
  check(!(await registers('far')), 'a user registered from outside of its zone');
  context.note('403 until approved, 403 once denied; 200 in its zone, 403 outside');
  await site.close();
}
