// The dry run of a call: the live path decides, nothing is sent.
import { describe, expect, test } from 'vitest';
import type { RouteTestQuery, RouteTestView } from '../../../../src/admin/operations.ts';
import { routeTestOffline } from '../../../../src/compose/site/route-test.ts';
import { type ConfigOptions, scenarioConfig } from '../../../support/scenario-config.ts';

const routes = `
[[route]]
name = "uk"
from = "user"
users = ["bob"]
to = "+44*"
via = "trunk:carrier"
[[route]]
name = "out"
from = "user"
to = "+*"
via = ["trunk:carrier", "pbx:main"]
[[route]]
from = "pbx"
via = "users"
`;

async function ask(query: RouteTestQuery, options: ConfigOptions = {}): Promise<RouteTestView> {
  const outcome = await routeTestOffline(scenarioConfig({ routes, ...options }), query, {});
  if (!outcome.ok) throw new Error(outcome.error);
  return outcome.value;
}

describe('a route test', () => {
  test('says which route decides, why earlier ones do not, and what would be sent where', async () => {
    const trunk = 'trust_identity = true\ncalled = [{ form = "plain" }]\ncaller_id = { fixed = "+441632960000" }';
    const view = await ask({ from: 'alice', to: '+44 1632 960123' }, { trunk });
    expect(view.trace.map(({ rule, answer }) => `${rule}: ${answer}`)).toEqual(
      expect.arrayContaining([
        'route uk: passed over: alice@pbx.test is not among its callers',
        'route out: trunk:carrier, then pbx:main',
      ]),
    );
    expect(view.refusal).toBeUndefined();
    expect(view.listener).toBe('phones');
    expect(view.stages).toEqual([
      [
        {
          target: 'trunk:carrier',
          requestUri: 'sips:441632960123@sip.carrier.example:5061',
          from: '<sip:+441632960000@sip.carrier.example>',
          to: '<sip:441632960123@sip.carrier.example>',
          assertedIdentity: '<sip:+441632960000@sip.carrier.example>',
          nextHop: 'tls sip.carrier.example:5061 from carriers',
        },
      ],
      [
        {
          target: 'pbx:main',
          requestUri: 'sip:+441632960123@10.0.0.5:5060',
          from: '<sip:alice@pbx.test>',
          to: '<sip:+441632960123@pbx.test>',
          assertedIdentity: '<sip:alice@pbx.test>',
          nextHop: 'udp 10.0.0.5:5060 from to-pbx',
        },
      ],
    ]);
  });

  test.each([
    ['alice', '2026-11-30T10:00Z', 'pbx:main'],
    ['alice', '2026-11-30T20:00Z', 'trunk:carrier'],
    ['bob', '2026-11-30T10:00Z', 'trunk:carrier'],
    ['trunk:carrier', '2026-11-30T10:00Z', 'pbx:main'],
  ])('of %s at %s goes to %s: by hours, group and trunk group', async (from, at, target) => {
    const tables = `
[[hours]]
name = "office"
zone = "UTC"
open = ["mon-fri 08:00-18:00"]
[[group]]
name = "sales"
[[trunk_group]]
name = "carriers"
members = [{ via = "trunk:carrier" }]
`;
    const timed = `
[[route]]
from = "user"
groups = ["sales"]
hours = "office"
via = "pbx:main"
[[route]]
from = "user"
via = "trunk:carrier"
[[route]]
from = "trunk"
trunk_groups = ["carriers"]
via = "pbx:main"
`;
    const view = await ask(
      { from, to: '+441632960123', at: Date.parse(at) },
      { tables, routes: timed, alice: 'group = "sales"' },
    );
    expect(view.stages.map((stage) => stage.map((one) => one.target))).toEqual([[target]]);
  });

  test('says why a call would be refused', async () => {
    expect((await ask({ from: 'pbx:main', to: 'alice' })).refusal?.code).toBe('not-registered');
    expect((await ask({ from: 'trunk:carrier', to: '600' })).refusal).toMatchObject({ code: 'no-route', status: 404 });
    expect((await ask({ from: 'alice', to: 'sip:+@pbx.test' })).refusal?.status).toBe(484);
  });

  test.each([
    [{ from: 'nobody', to: '1' }, 'there is no user nobody@pbx.test'],
    [{ from: 'alice@other.test', to: '1' }, 'there is no domain "other.test"'],
    [{ from: 'trunk:other', to: '1' }, 'there is no trunk "other"'],
    [{ from: 'alice', to: '1', listener: 'other' }, 'there is no listener "other"'],
    [{ from: 'alice', to: 'sip:' }, /^to: /],
  ])('that cannot be answered says why: %o', async (query, error) => {
    const outcome = await routeTestOffline(scenarioConfig({ routes }), query, {});
    expect(outcome).toMatchObject({ ok: false });
    if (!outcome.ok) expect(outcome.error).toMatch(error);
  });
});
