import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/load.ts';
import { smallConfig } from '../cli/cli-fixture.ts';

function mistakes(web: string, admin = ''): readonly string[] {
  const read = readConfig(`${smallConfig}${admin}\n[admin.web]\n${web}`, 'portcullis.toml');
  return read.ok ? [] : read.error.map(({ message }) => message);
}

describe('[admin.web]', () => {
  test('is off unless it is there, and has times of its own', () => {
    const off = readConfig(smallConfig, 'portcullis.toml');
    expect(off.ok && off.value.admin.web).toBeUndefined();
    const on = readConfig(`${smallConfig}\n[admin.web]\naddress = "127.0.0.1:8081"`, 'portcullis.toml');
    expect(on.ok && on.value.admin.web).toMatchObject({ idle_timeout: 900_000, session_lifetime: 28_800_000 });
  });

  test.each(['127.0.0.1:8081', '127.0.0.53:8081', '[::1]:8081'])('speaks plain HTTP on the loopback: %s', (address) => {
    expect(mistakes(`address = "${address}"`)).toEqual([]);
  });

  test.each(['10.0.0.5:8081', '0.0.0.0:8081', '[::]:8081', '[2001:db8::1]:8081', '128.0.0.1:8081'])(
    'needs TLS elsewhere: %s',
    (address) => {
      const [only] = mistakes(`address = "${address}"`);
      expect(only).toMatch(/plain HTTP on the loopback only: .* needs certificate and key/);
      expect(mistakes(`address = "${address}"\ncertificate = "a.crt"\nkey = "a.key"`)).toEqual([]);
    },
  );

  test('wants certificate and key together, a lifetime that is longer than the idle time, and an address of its own', () => {
    expect(mistakes('address = "127.0.0.1:1"\ncertificate = "a.crt"')).toEqual(['a certificate needs its key']);
    expect(mistakes('address = "127.0.0.1:1"\nkey = "a.key"').join()).toContain('a key needs its certificate');
    expect(mistakes('address = "127.0.0.1:1"\nidle_timeout = "9h"')).toEqual(['is longer than session_lifetime']);
    expect(mistakes('address = "127.0.0.1:81"', 'address = "127.0.0.1:81"').join()).toContain('a port of their own');
  });
});
