import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { formatConfigError, loadConfig, maxConfigBytes, readConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { least } from './least-config.ts';

function read(source: string): Config {
  const result = readConfig(source, 'portcullis.toml');
  if (!result.ok) throw new Error(result.error.map(formatConfigError).join('\n'));
  return result.value;
}

/** Every mistake as `line:column key: message`. */
function mistakes(source: string): readonly string[] {
  const result = readConfig(source, 'f');
  return result.ok ? [] : result.error.map((error) => formatConfigError(error).replace(/^f:/, ''));
}

function fileOf(content: string | Uint8Array): string {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'portcullis.toml');
  writeFileSync(file, content);
  return file;
}

describe('a configuration', () => {
  test('of every table loads as it stands; no certificate is opened', () => {
    const loaded = loadConfig(fileURLToPath(new URL('../../fixtures/example.toml', import.meta.url)));
    if (!loaded.ok) throw new Error(loaded.error.map(formatConfigError).join('\n'));
    const { value } = loaded;
    expect(value.network[0]?.media).toEqual([
      { address: '10.1.0.5', advertise: '203.0.113.10' },
      { address: '2001:db8::10' },
    ]);
    expect(value.listener[0]).toMatchObject({
      transport: 'tls',
      address: { address: '10.1.0.5', port: 5061 },
      advertise: { address: 'sbc.example.com', port: 5061 },
      client_certificate: 'off',
      algorithms: ['SHA-256', 'MD5'],
    });
    expect(value.media).toMatchObject({ ports: { first: 20_000, last: 39_999 }, workers: 0, timeout: 30_000 });
    expect(value.limits).toMatchObject({ concurrent_calls: 2, max_call_duration: 7_200_000, ring_timeout: 180_000 });
    expect(value.user[0]).toMatchObject({ name: 'alice', concurrent_calls: 4 });
    expect(value.trunk[0]).toMatchObject({ certificate_name: 'sip.carrier.example', concurrent_calls: 30 });
    expect(value.admin).toEqual({ address: { address: '127.0.0.1', port: 8080 }, socket: 'var/admin.sock' });
  });

  test('of a small site has defaults for everything else', () => {
    const account = { username: '', password_env: '' };
    const more = `${least}[[pbx]]
name = "p"
listener = "to-pbx"
embedded = true
[[trunk]]
name = "t"
listener = "to-pbx"
uri = "sip:10.0.0.9"
[[route]]
from = "user"
via = "pbx:p"
`;
    expect(read(more)).toEqual({
      sbc: {
        name: 'portcullis',
        state_dir: 'var',
        spare: true,
        processes: 1,
        process_port: 5_090,
        drain_timeout: 60_000,
      },
      domain: [{ name: 'pbx.test' }],
      network: [
        {
          name: 'inside',
          media: [{ address: '10.0.0.10' }],
          encryption: 'off',
          keying: ['sdes', 'dtls'],
          allow_loopback_media: false,
          video: true,
        },
      ],
      listener: [
        {
          name: 'to-pbx',
          network: 'inside',
          transport: 'udp',
          address: { address: '10.0.0.10', port: 5060 },
          certificates: [],
          client_certificate: 'off',
          algorithms: ['SHA-256', 'MD5'],
        },
      ],
      transport: {
        connections: 20_000,
        connections_per_address: 256,
        handshakes_per_address: 32,
        handshake_timeout: 5_000,
        first_message_timeout: 10_000,
        message_timeout: 10_000,
        unserved_timeout: 60_000,
        idle_timeout: 7_200_000,
        connect_timeout: 5_000,
        send_queue: 256_000,
      },
      pbx: [
        {
          name: 'p',
          listener: 'to-pbx',
          embedded: true,
          accept_from: [],
          registrations: 'local',
          forward_by: 'contact',
          forward_expires: 3_600_000,
          domains: [],
          called: [],
          caller: [],
          ...account,
          probe_down_after: 2,
          probe_up_after: 2,
          signed_identity: 'drop',
          sips_without_tls: false,
        },
      ],
      trunk_group: [],
      zone: [],
      trunk: [
        {
          name: 't',
          listener: 'to-pbx',
          uri: 'sip:10.0.0.9',
          accept_from: [],
          allow_unauthenticated_udp: false,
          called: [],
          caller: [],
          challenge: false,
          registers: false,
          bulk_numbers: false,
          register_expires: 3_600_000,
          trust_identity: false,
          picks_up: false,
          signed_identity: 'drop',
          ...account,
          probe_down_after: 2,
          probe_up_after: 2,
        },
      ],
      media: {
        ports: { first: 20_000, last: 39_999 },
        workers: 0,
        driver: 'auto',
        timeout: 30_000,
        port_quarantine: 10_000,
        worker_heartbeat: 250,
        dscp: 46,
        receive_buffer: 256_000,
      },
      numbers: { extensions: [] },
      alerts: { gather: 300_000, notices_per_minute: 30, webhook: [], syslog: [], mail: [] },
      bans: {
        enabled: true,
        first: 300_000,
        longest: 86_400_000,
        half_life: 300_000,
        failures_per_account: 10,
        accounts_per_source: 5,
        unanswered_challenges: 60,
        malformed_messages: 20,
        known_for: 86_400_000,
        allow: [],
      },
      overload: { loop_lag: 500, look_ups: 1_000, transactions: 20_000, waiting: 30_000, waiting_time: 20_000 },
      passwords: { min_length: 12, warn_before: 1_209_600_000, history: 5, audit_age: 7_776_000_000 },
      emergency: { reserve_calls: 10 },
      fraud: { mode: 'off', price_per_minute: 0.3, rule: [] },
      rule: [],
      limit: [],
      hours: [],
      limits: {
        concurrent_calls: 2,
        total_calls: 2_000,
        progress_timeout: 180_000,
        stage_timeout: 20_000,
        identical_setups: 50,
        max_call_duration: 7_200_000,
        ring_timeout: 180_000,
        early_media_timeout: 60_000,
        direction: 'both',
        media_packets_per_second: 1_000,
        media_bandwidth: 8_000_000,
        media_limit_by_codec: true,
        source_requests_per_second: 100,
      },
      registrations: { min_expires: 60_000, max_expires: 3_600_000, expires_spread: 0.1, contacts_per_user: 10 },
      group: [],
      user: [],
      route: [{ from: 'user', to: ['*'], when: 'open', via: ['pbx:p'] }],
      messages: {
        relay: false,
        max_bytes: 1_300,
        content_types: ['text/plain', 'message/cpim', 'application/im-iscomposing+xml'],
        info: [],
      },
      transfers: { refer: 'refuse' },
      trace: { memory: 16_000_000, media_packets: 20 },
      reload: { watch: false, interval: 2_000 },
      session_timers: { enabled: true, expires: 1_800_000, min_se: 90_000 },
      subscriptions: {
        relay: false,
        packages: ['message-summary', 'dialog', 'presence'],
        min_expires: 60_000,
        max_expires: 3_600_000,
        per_user: 100,
        total: 10_000,
        max_bytes: 16_384,
        unsolicited: false,
      },
      redirects: { limit: 0 },
      log: { level: 'info' },
      cdr: {
        rotate_size: 64_000_000,
        keep_files: 30,
        fsync: 'never',
        database: true,
        keep_for: 7_776_000_000,
        keep_rows: 1_000_000,
      },
      admin: { socket: 'var/admin.sock' },
      store: {
        sentinels: [],
        cluster: false,
        cluster_nodes: [],
        prefix: 'portcullis',
        connect_timeout: 2_000,
        timeout: 500,
        on_store_loss: 'refuse',
      },
      cluster: {
        lease: 10_000,
        heartbeat: 250,
        takeover_after: 1_000,
        takeover: 'lease',
        peer: [],
      },
    });
    const encrypted = least.replace('encryption = "off"\n', '').replace('"udp"', '"tls"');
    expect(read(`${encrypted}certificate = "c"\nkey = "k"\n`).network[0]?.encryption).toBe('required');
  });

  test('says of a wrong value what was expected, and of a wrong one in a list which', () => {
    const lines = `[[pbx]]
name = "p"
listener = "to-pbx"
uri = "10.0.0.5"
accept_from = ["10.0.0.5", "10.0.0.0/33"]
[[user]]
name = "a b"
ha1 = { MD5 = "0123" }
[[user]]
name = "+44"
password = "x"
[admin]
address = "8080"
`;
    expect(mistakes(least + lines)).toEqual([
      '16:1: pbx[0].uri: expected "sip:HOST[:PORT]" or "sips:HOST[:PORT]", IPv6 addresses in brackets, got "10.0.0.5"',
      '17:28: pbx[0].accept_from[1]: expected an IP address or a block such as "198.51.100.0/24", got "10.0.0.0/33"',
      '19:1: user[0].name: expected letters, digits or one of - _ . + ~ * # !, got "a b"',
      '20:9: user[0].ha1.MD5: expected 32 hexadecimal digits',
      '22:1: user[1].name: expected a name with letters, an extension in digits, or "+" and an international number, got "+44"',
      '25:1: admin.address: expected ADDRESS:PORT such as "10.0.0.1:5060" or "[::1]:5060", got "8080"',
    ]);
  });

  test('may begin with a byte order mark and end its lines with CRLF', () => {
    expect(read(`\uFEFF${least.replaceAll('\n', '\r\n')}`)).toEqual(read(least));
    expect(mistakes(`\uFEFFnot toml`)[0]).toMatch(/^1:\d+: /);
  });

  test('compares domains in lower case', () => {
    expect(read(`${least}\n[[domain]]\nname = "Other.Test"\n`).domain[1]?.name).toBe('other.test');
  });
});

describe('mistakes', () => {
  test.each(['499ms', '33s', '1h'])('a next hop that may be silent for %s (RFC 3261 §17.1.1.2)', (time) => {
    const trunk = `[[trunk]]\nname = "carrier"\nlistener = "to-pbx"\nresponse_timeout = "${time}"`;
    expect(mistakes(`${least}\n${trunk}`).join()).toContain('response_timeout: expected 500ms to 32s');
  });

  test('in session timers name what RFC 4028 stands', () => {
    const told = 'expected whole seconds from "90s" to "24h" (RFC 4028)';
    expect(mistakes(`${least}\n[session_timers]\nexpires = "90500ms"\nmin_se = "60s"`)).toEqual([
      expect.stringContaining(`session_timers.expires: ${told}`),
      expect.stringContaining(`session_timers.min_se: ${told}`),
    ]);
    expect(mistakes(`${least}\n[session_timers]\nexpires = "2m"\nmin_se = "3m"`)).toEqual([
      expect.stringContaining('session_timers.expires: expected at least min_se'),
    ]);
  });

  test('of [subscriptions] are told: a PBX that is not there, an interval that no notifier may ask for', () => {
    expect(mistakes(`${least}\n[subscriptions]\npbx = "other"`)).toEqual([
      expect.stringContaining('subscriptions.pbx: there is no PBX "other"'),
    ]);
    expect(mistakes(`${least}\n[subscriptions]\nrelay = true`)).toEqual([
      expect.stringContaining('subscriptions.relay: expected a PBX to subscribe to'),
    ]);
    expect(mistakes(`${least}\n[subscriptions]\nmin_expires = "2h"\nmax_expires = "3h"`)).toEqual([
      expect.stringContaining('subscriptions.min_expires: expected at most an hour'),
    ]);
    expect(mistakes(`${least}\n[subscriptions]\nmin_expires = "2m"\nmax_expires = "1m"`)).toEqual([
      expect.stringContaining('subscriptions.max_expires: expected at least min_expires'),
    ]);
  });

  test('are all told at once, each with line, column, key, what was expected and what came', () => {
    const source = `${least}
[limits]
concurrent_calls = "two"
max_call_duration = 7200
ring_timeout = "3 weeks"
direction = "up"
[media]
ports = "100-200"
workers = 65
[[user]]
name = "alice"
pasword = "secret-1"
[[route]]
from = "nobody"
via = "pbx"
`;
    expect(mistakes(source)).toEqual([
      '15:1: limits.concurrent_calls: expected number, received string',
      '16:1: limits.max_call_duration: expected string, received number',
      '17:1: limits.ring_timeout: expected a duration such as "30s", "5m" or "2h", got "3 weeks"',
      '18:1: limits.direction: expected one of "both"|"out"|"in", got "up"',
      '20:1: media.ports: expected a range of ports from 1024 to 65535 such as "20000-39999", got "100-200"',
      '21:1: media.workers: expected number to be <=64, got 65',
      '24:1: user[0].pasword: unknown key "pasword"',
      '26:1: route[0].from: expected one of "user"|"trunk"|"pbx", got "nobody"',
      '27:1: route[0].via[0]: expected "users", "pbx:NAME", "trunk:NAME" or "group:NAME", got "pbx"',
    ]);
  });

  test('of the shape do not hide those of the whole, where the tables concerned can be read', () => {
    const source = `${least}
[limits]
direction = "up"
[[user]]
name = "alice"
group = "sales"
[[route]]
from = "user"
via = "trunk:nowhere"
[[listener]]
name = "second"
network = "nowhere"
transport = "tls"
address = "10.0.0.2:5061"
`;
    expect(mistakes(source)).toEqual([
      '15:1: limits.direction: expected one of "both"|"out"|"in", got "up"',
      '17:1: user[0].name: a user has exactly one of password, password_env and ha1',
      '18:1: user[0].group: there is no group "sales"',
      '21:1: route[0].via: there is no trunk "nowhere"',
      '22:1: listener[1].certificate: a TLS listener needs certificate',
      '22:1: listener[1].key: a TLS listener needs key',
      '24:1: listener[1].network: there is no network "nowhere"',
    ]);
  });

  test('in a table are not followed by complaints that its entries do not exist', () => {
    const source = `${least.replace('encryption = "off"', 'encryption = "sometimes"')}
[[pbx]]
name = "main"
listener = "nowhere"
uri = "sip:10.0.0.5"
accept_from = ["10.0.0.5/8"]
[[route]]
from = "user"
via = "pbx:other"
`;
    expect(mistakes(source).map((line) => line.split(': ')[1])).toEqual([
      'network[0].encryption',
      'pbx[0].accept_from[0]',
    ]);
  });

  test('of TOML itself are one, at the place where it ends to be TOML', () => {
    const [mistake, ...others] = mistakes('[sbc]\nname = "edge1\nstate_dir = "var"\n');
    expect(mistake).toMatch(/^2:\d+: \S/);
    expect(others).toEqual([]);
    expect(mistakes('a = 1\na = 2\n')[0]).toMatch(/^2:\d+: /);
  });

  test('name what is missing, at the table that lacks it', () => {
    const source = least.replace('network = "inside"\n', '').replace('transport = "udp"\n', '');
    expect(mistakes(source)).toEqual([
      '8:1: listener[0].network: is missing: expected string',
      '8:1: listener[0].transport: is missing: expected one of "tls"|"tcp"|"udp"',
    ]);
    expect(mistakes('')).toEqual([
      '1:1: domain: is missing: expected array',
      '1:1: network: is missing: expected array',
      '1:1: listener: is missing: expected array',
    ]);
  });

  test.each([
    ['a table', '[alert]\nx = 1\n', 'alert: "alert" is not yet supported'],
    ['a key', '[sbc]\nuser_agent = "x"\n', 'sbc.user_agent: "user_agent" is not yet supported'],
    ['another', '[[alert]]\nname = "x"\n', 'alert: "alert" is not yet supported'],
    [
      'a transport',
      '[[listener]]\nname = "web"\nnetwork = "inside"\ntransport = "wss"\naddress = "10.0.0.9:443"\n',
      'listener[1].transport: transport = "wss" is not yet supported',
    ],
  ])('say of what a later version will bring that it is not yet supported: %s', (_what, more, expected) => {
    expect(mistakes(`${least}\n${more}`).map((line) => line.replace(/^\d+:\d+: /, ''))).toEqual([expected]);
  });

  test.each(['__proto__', 'constructor', 'toString'])('an unknown table may be called %s', (name) => {
    expect(mistakes(`${least}\n[${name}]\nx = 1\n`)[0]).toContain(`unknown key "${name}"`);
  });

  test('never repeat a secret', () => {
    const secret = 'correct-horse';
    const sources = [
      `password = 12345678`,
      `password = "${secret.repeat(40)}"`,
      `password = ["${secret}"]`,
      `ha1 = "${secret}"`,
      `ha1 = { MD5 = "${secret}" }`,
      `ha1 = { "SHA-256" = ["${secret}"] }`,
      `ha1 = { MD4 = "${secret}" }`,
      `pasword = "${secret}"`,
      `password = "${secret}"\npassword = "${secret}"`,
      `password = "${secret}`,
    ];
    for (const line of sources) {
      const found = mistakes(`${least}\n[[user]]\nname = "alice"\n${line}\n`);
      expect(found, line).not.toEqual([]);
      expect(found.join('\n'), line).not.toMatch(/correct-horse|12345678/);
    }
  });
});

describe('values that would do harm later', () => {
  function mistakeOf(table: string, line: string): string | undefined {
    return mistakes(`${least}\n${table}\n${line}\n`).find(
      (mistake) => mistake.startsWith('15:') || mistake.startsWith('14:'),
    );
  }

  test.each([
    ['[sbc]', 'name = "a b"'],
    ['[sbc]', 'drain_timeout = "0s"'],
    ['[[domain]]', 'name = "a b"'],
    ['[limits]', 'concurrent_calls = 0'],
    ['[limits]', 'concurrent_calls = 1.5'],
    ['[media]', 'ports = "1e4-2e4"'],
    ['[media]', 'ports = "30000-20000"'],
    ['[media]', 'ports = "20000-20002"'],
    ['[media]', 'ports = "20000-70000"'],
    ['[admin]', 'address = "localhost:8080"'],
    ['[cdr]', 'rotate_size = "64"'],
    ['[cdr]', 'keep_files = 0'],
    ['[registrations]', 'contacts_per_user = 1000'],
  ])('%s %s is refused', (table, line) => {
    expect(mistakeOf(table, line)).toBeDefined();
  });

  test('a realm that would end its quotes', () => {
    expect(mistakes(`${least}\n[[domain]]\nname = "b.test"\nrealm = "a\\", nonce=\\"b"\n`)).toHaveLength(1);
  });

  test.each(['+44ALICE', '++44123', '1.2', '00441632960123', 'a b', 'a@b', 'a/b', 'älice', '...', '+44', ''])(
    'a user "%s", whom nobody could dial as such',
    (name) => {
      expect(mistakes(`${least}\n[[user]]\nname = "${name}"\npassword = "x"\n`).length).toBeGreaterThan(0);
    },
  );

  test.each(['alice', 'Alice', '101', '0012', '+441632960123', '*97', 'bob.smith', 'a+b', '4a4'])(
    'not a user "%s"',
    (name) => {
      expect(mistakes(`${least}\n[[user]]\nname = "${name}"\npassword = "x"\n`)).toEqual([]);
    },
  );
});

describe('a file', () => {
  test('that is not there, is no file, or is too large is one mistake', () => {
    const large = fileOf(new Uint8Array(maxConfigBytes + 1).fill(0x0a));
    const messages = ['/nowhere/portcullis.toml', tmpdir(), large].map((file) => {
      const loaded = loadConfig(file);
      return loaded.ok ? [] : loaded.error.map(formatConfigError);
    });
    expect(messages).toEqual([
      [expect.stringMatching(/^\/nowhere\/portcullis\.toml:1:1: cannot be read: ENOENT/)],
      [expect.stringMatching(/:1:1: cannot be read: EISDIR/)],
      [`${large}:1:1: is larger than ${maxConfigBytes} bytes`],
    ]);
  });

  test('that is no text is refused', () => {
    expect(loadConfig(fileOf(Uint8Array.from({ length: 256 }, (_, byte) => byte))).ok).toBe(false);
  });
});
