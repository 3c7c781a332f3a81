import { describe, expect, test } from 'vitest';
import { formatConfigError, readConfig } from '../../../src/config/load.ts';
import { planReload } from '../../../src/config/reload-plan.ts';
import type { Config } from '../../../src/config/schema.ts';
import { least } from './least-config.ts';

function read(more = '', from = least): Config {
  const result = readConfig(`${from}\n${more}`, 'f');
  if (!result.ok) throw new Error(result.error.map(formatConfigError).join('\n'));
  return result.value;
}

const before = read();

describe('a reload', () => {
  test('of the same configuration changes nothing', () => {
    expect(planReload(before, read())).toEqual({ ok: true, value: [] });
  });

  test.each([
    ['limits', '[limits]\nconcurrent_calls = 9'],
    ['user', '[[user]]\nname = "alice"\npassword = "secret"'],
    ['group', '[[group]]\nname = "sales"'],
    ['route', '[[route]]\nfrom = "pbx"\nvia = "users"'],
    ['trunk', '[[trunk]]\nname = "t"\nlistener = "to-pbx"\nuri = "sip:10.0.0.9"'],
    ['pbx', '[[pbx]]\nname = "p"\nlistener = "to-pbx"\nuri = "sip:10.0.0.5"\naccept_from = ["10.0.0.5"]'],
    ['domain', '[[domain]]\nname = "b.test"\nalgorithms = ["SHA-256"]'],
    ['session_timers', '[session_timers]\nexpires = "10m"'],
    ['subscriptions', '[subscriptions]\nmax_expires = "10m"'],
    ['log', '[log]\nlevel = "debug"'],
  ])('takes over %s while calls run', (table, more) => {
    expect(planReload(before, read(more))).toEqual({ ok: true, value: [table] });
  });

  test.each([
    ['sbc', '[sbc]\nname = "edge2"'],
    ['network', '[[network]]\nname = "n"\nencryption = "off"\nmedia = [{ address = "10.0.0.11" }]'],
    ['listener', '[[listener]]\nname = "l"\nnetwork = "inside"\ntransport = "tcp"\naddress = "10.0.0.10:5060"'],
    ['media', '[media]\nworkers = 2'],
    ['transport', '[transport]\nconnections = 5'],
    ['registrations', '[registrations]\nmax_expires = "30m"'],
    ['cdr', '[cdr]\nkeep_files = 5'],
    ['admin', '[admin]\naddress = "127.0.0.1:8080"'],
    ['reload', '[reload]\nwatch = true'],
  ])('refuses another %s, and says what to do', (table, more) => {
    expect(planReload(before, read(more))).toEqual({
      ok: false,
      error: [`${table} cannot change while the SBC runs: restart it`],
    });
  });

  test('is whole or not at all: one change that needs a restart refuses the others with it', () => {
    const after = read('[limits]\nconcurrent_calls = 9\n[media]\nworkers = 2\n[sbc]\nname = "x"');
    const plan = planReload(before, after);
    expect(plan.ok ? [] : plan.error).toEqual([
      'sbc cannot change while the SBC runs: restart it',
      'media cannot change while the SBC runs: restart it',
    ]);
  });

  test('takes over certificates and algorithms of a listener, and nothing else of it', () => {
    const tls = (more: string) =>
      read(
        `[[network]]\nname = "o"\nmedia = [{ address = "192.0.2.1" }]\n[[listener]]\nname = "phones"\nnetwork = "o"\ntransport = "tls"\naddress = "192.0.2.1:5061"\n${more}`,
      );
    const first = tls('certificate = "a.crt"\nkey = "a.key"');
    const renewed = tls('certificate = "b.crt"\nkey = "b.key"\nalgorithms = ["SHA-256"]');
    expect(planReload(first, renewed)).toEqual({ ok: true, value: ['listener'] });
    const advertised = tls('certificate = "a.crt"\nkey = "a.key"\nadvertise = "sbc.test:5061"');
    expect(planReload(first, advertised).ok).toBe(false);
    const asking = tls('certificate = "a.crt"\nkey = "a.key"\nclient_ca = "ca"\nclient_certificate = "optional"');
    expect(planReload(first, asking).ok).toBe(false);
  });

  test('never says what a secret was or is', () => {
    const user = (password: string) =>
      read(`[[user]]\nname = "alice"\npassword = "${password}"\n[sbc]\nname = "${password}"`);
    expect(JSON.stringify(planReload(user('first-secret'), user('second-secret')))).not.toContain('secret');
  });
});
