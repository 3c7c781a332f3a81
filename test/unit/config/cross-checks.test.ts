// Combinations that leave a door open, or that cannot work: each is refused at the key that is to be changed.
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/load.ts';
import { least } from './least-config.ts';

/** Every mistake as `key: message`. */
function mistakes(more: string): readonly string[] {
  const result = readConfig(`${least}\n${more}`, 'f');
  return result.ok ? [] : result.error.map(({ key, message }) => `${key}: ${message}`);
}

const outside = `
[[network]]
name = "outside"
media = [{ address = "192.0.2.1" }]
`;

function tls(more = '', network = 'outside'): string {
  return `${outside}
[[listener]]
name = "phones"
network = "${network}"
transport = "tls"
address = "192.0.2.1:5061"
certificate = "a.crt"
key = "a.key"
${more}
`;
}

function pbx(more: string): string {
  return `[[pbx]]\nname = "main"\nlistener = "to-pbx"\n${more}\n`;
}

function trunk(more: string, listener = 'phones'): string {
  return `${tls()}\n[[trunk]]\nname = "carrier"\nlistener = "${listener}"\n${more}\n`;
}

describe('digest algorithms of a domain', () => {
  test('must be among those of every listener that challenges', () => {
    const other = '[[domain]]\nname = "b.test"\nalgorithms = ["SHA-512-256"]\n';
    expect(mistakes(`${pbx('embedded = true')}${other}`)).toEqual([]);
    expect(mistakes(`${pbx('embedded = true')}${tls()}${other}`)).toEqual([
      'domain[1].algorithms: listener "phones" offers none of these',
    ]);
    expect(mistakes(`${pbx('embedded = true')}${tls('algorithms = ["MD5", "SHA-512-256"]')}${other}`)).toEqual([]);
  });
});

describe('names', () => {
  test('are given once in each table', () => {
    const twice = (table: string, body: string) => mistakes(`${table}\n${body}\n${table}\n${body}\n`);
    expect(mistakes('[[domain]]\nname = "PBX.test"')).toEqual([
      'domain[1].name: there are two domains named "pbx.test"',
    ]);
    const peer = 'name = "p"\nlistener = "to-pbx"\n';
    expect(twice('[[pbx]]', `${peer}embedded = true`)).toEqual(['pbx[1].name: there are two pbxs named "p"']);
    expect(twice('[[trunk]]', `${peer}uri = "sip:10.0.0.9"`)).toEqual([
      'trunk[1].name: there are two trunks named "p"',
    ]);
    expect(twice('[[group]]', 'name = "sales"')).toEqual(['group[1].name: there are two groups named "sales"']);
    expect(mistakes('[[network]]\nname = "inside"\nmedia = [{ address = "10.0.0.11" }]\nencryption = "off"')).toEqual([
      'network[1].name: there are two networks named "inside"',
    ]);
  });

  test('of users are given once in each domain', () => {
    const user = (domain: string) => `[[user]]\nname = "alice"\npassword = "x"\n${domain}\n`;
    const other = '[[domain]]\nname = "b.test"\n';
    expect(mistakes(user('') + user(''))).toEqual(['user[1].name: there are two users alice@pbx.test']);
    expect(mistakes(user('') + user('domain = "PBX.TEST"'))).toEqual([
      'user[1].name: there are two users alice@pbx.test',
    ]);
    expect(mistakes(other + user('') + user('domain = "b.test"'))).toEqual([]);
  });

  test('must exist where they are used', () => {
    expect(mistakes(tls('', 'nowhere'))).toEqual(['listener[1].network: there is no network "nowhere"']);
    expect(mistakes(pbx('embedded = true').replace('to-pbx', 'nowhere'))).toEqual([
      'pbx[0].listener: there is no listener "nowhere"',
    ]);
    expect(mistakes(trunk('uri = "sips:a.example"', 'nowhere'))).toEqual([
      'trunk[0].listener: there is no listener "nowhere"',
    ]);
    expect(mistakes('[[user]]\nname = "a"\npassword = "x"\ndomain = "c.test"\ngroup = "g"')).toEqual([
      'user[0].domain: there is no domain "c.test"',
      'user[0].group: there is no group "g"',
    ]);
    expect(mistakes('[[route]]\nfrom = "user"\nvia = "pbx:main"')).toEqual(['route[0].via: there is no pbx "main"']);
    expect(mistakes('[[route]]\nfrom = "user"\nvia = "users"')).toEqual([]);
  });
});

describe('a listener', () => {
  test('without TLS stands in no network that requires encryption (RFC 4568 §7: keys in the clear are no keys)', () => {
    for (const transport of ['udp', 'tcp']) {
      const plain = `${outside}\n[[listener]]\nname = "p"\nnetwork = "outside"\ntransport = "${transport}"\naddress = "192.0.2.1:5060"\n`;
      expect(mistakes(plain)).toEqual([
        'listener[1].transport: network "outside" requires encryption, and keys travel over TLS only',
      ]);
      expect(mistakes(plain.replace('media =', 'encryption = "opportunistic"\nmedia ='))).toEqual([]);
    }
  });

  test('suites are those of SRTP by SDES, each once (RFC 4568 §6.2)', () => {
    const having = (names: string) => mistakes(outside.replace('media =', `suites = ${names}\nmedia =`));
    expect(having('["AES_256_CM_HMAC_SHA1_32", "AEAD_AES_128_GCM"]')).toEqual([]);
    expect(having('["AEAD_AES_128_GCM", "AEAD_AES_128_GCM"]')).toEqual(['network[1].suites: expected each suite once']);
    expect(having('["F8_128_HMAC_SHA1_80"]')).toHaveLength(1);
  });

  test('keying names each kind once', () => {
    const expected = 'network[1].keying: expected "sdes", "dtls" or both, each once';
    expect(mistakes(outside.replace('media =', 'keying = ["dtls", "dtls"]\nmedia ='))).toEqual([expected]);
  });

  test('with TLS has a certificate and its key', () => {
    expect(mistakes(tls().replace('key = "a.key"', ''))).toEqual(['listener[1].key: a TLS listener needs key']);
    expect(mistakes(tls().replace('certificate = "a.crt"', ''))).toEqual([
      'listener[1].certificate: a TLS listener needs certificate',
    ]);
  });

  test('that checks client certificates says against whom', () => {
    for (const mode of ['optional', 'required']) {
      expect(mistakes(tls(`client_certificate = "${mode}"`))).toEqual([
        'listener[1].client_certificate: checking client certificates needs client_ca',
      ]);
      expect(mistakes(tls(`client_certificate = "${mode}"\nclient_ca = "ca.crt"`))).toEqual([]);
    }
  });

  test('without TLS has nothing that only TLS has', () => {
    const more = least.replace(
      'transport = "udp"',
      'transport = "udp"\ncertificate = "a"\nkey = "b"\nclient_ca = "c"\nserver_ca = "d"',
    );
    const result = readConfig(more, 'f');
    expect(result.ok ? [] : result.error.map(({ key }) => key)).toEqual([
      'listener[0].certificate',
      'listener[0].key',
      'listener[0].client_ca',
      'listener[0].server_ca',
    ]);
  });

  test('has its address for itself; TCP and TLS share ports, UDP has its own; port 0 is any', () => {
    const another = (transport: string, address: string) =>
      `[[listener]]\nname = "${transport}"\nnetwork = "inside"\ntransport = "${transport}"\naddress = "${address}"\n`;
    expect(mistakes(another('udp', '10.0.0.10:5060'))).toEqual([
      'listener[1].address: listener "to-pbx" has UDP 10.0.0.10:5060 already',
    ]);
    expect(mistakes(another('tcp', '10.0.0.10:5060'))).toEqual([]);
    expect(mistakes(another('udp', '10.0.0.10:5061'))).toEqual([]);
    expect(mistakes(another('tcp', '10.0.0.10:0') + another('tcp', '10.0.0.10:0').replace('"tcp"', '"tcp2"'))).toEqual(
      [],
    );
    expect(mistakes(tls() + another('tcp', '192.0.2.1:5061'))).toEqual([
      'listener[2].address: listener "phones" has TCP 192.0.2.1:5061 already',
    ]);
  });

  test('on every address says what peers shall see, where that cannot be told from a connection', () => {
    const everywhere = least.replace('10.0.0.10:5060', '0.0.0.0:5060');
    const of = (source: string): readonly string[] => {
      const result = readConfig(source, 'f');
      return result.ok ? [] : result.error.map(({ key }) => key);
    };
    expect(of(everywhere)).toEqual(['listener[0].address']);
    expect(of(everywhere.replace('0.0.0.0', '[::]'))).toEqual(['listener[0].address']);
    expect(of(`${everywhere}advertise = "10.0.0.10:5060"\n`)).toEqual([]);
    const stream = everywhere.replace('udp', 'tcp');
    expect(of(stream)).toEqual([]);
    expect(of(`${stream}\n${pbx('uri = "sip:10.0.0.5"\naccept_from = ["10.0.0.5"]')}`)).toEqual([
      'listener[0].address',
    ]);
    expect(of(`${stream}\n${pbx('embedded = true')}`)).toEqual([]);
  });
});

test('media of a network is advertised in its own IP version', () => {
  const media = (address: string, advertise: string) =>
    mistakes(
      `[[network]]\nname = "n"\nencryption = "off"\nmedia = [{ address = "${address}", advertise = "${advertise}" }]`,
    );
  expect(media('10.0.0.1', '203.0.113.1')).toEqual([]);
  expect(media('2001:db8::1', '2001:db8::2')).toEqual([]);
  expect(media('10.0.0.1', '2001:db8::2')).toEqual([
    'network[1].media[0].advertise: 2001:db8::2 and 10.0.0.1 are of different IP versions',
  ]);
});

describe('a PBX', () => {
  const good = 'uri = "sip:10.0.0.5"\naccept_from = ["10.0.0.5"]';

  test('is called somewhere, or is embedded, not both', () => {
    expect(mistakes(pbx(good))).toEqual([]);
    expect(mistakes(pbx('embedded = true'))).toEqual([]);
    expect(mistakes(pbx(`${good}\nembedded = true`))).toEqual(['pbx[0].uri: an embedded PBX has no uri']);
    expect(mistakes(pbx('accept_from = ["10.0.0.5"]'))).toEqual(['pbx[0].name: a PBX has a uri, or embedded = true']);
  });

  test('names the addresses that may speak inside', () => {
    expect(mistakes(pbx('uri = "sip:10.0.0.5"'))).toEqual([
      'pbx[0].name: accept_from must list the addresses of the PBX',
    ]);
  });

  test('that registrations are forwarded to is a registrar, for domains that are there', () => {
    const forward = 'registrations = "forward"';
    expect(mistakes(pbx(`${good}\n${forward}\nforward_by = "path"\ndomains = ["pbx.test"]`))).toEqual([]);
    expect(mistakes(pbx(`embedded = true\n${forward}`))).toEqual([
      'pbx[0].registrations: the embedded PBX is no registrar',
    ]);
    expect(mistakes(pbx(`${good}\n${forward}\nforward_expires = "59s"`))).toEqual([
      'pbx[0].forward_expires: expected at least a minute',
    ]);
    expect(mistakes(pbx(`${good}\n${forward}\ndomains = ["other.test"]`))).toEqual([
      'pbx[0].domains: there is no domain "other.test"',
    ]);
    expect(mistakes(pbx(`${good}\ndomains = ["pbx.test"]`))).toEqual([
      'pbx[0].domains: is for registrations = "forward"',
    ]);
  });

  test('has a user name and a password, or neither', () => {
    expect(mistakes(pbx(`${good}\nusername = "sbc"`))).toEqual([
      'pbx[0].username: username and password_env belong together',
    ]);
    expect(mistakes(pbx(`${good}\npassword_env = "P"`))).toEqual([
      'pbx[0].password_env: username and password_env belong together',
    ]);
    expect(mistakes(pbx(`${good}\nusername = "sbc"\npassword_env = "P"`))).toEqual([]);
  });

  test('is spoken to by sips: over TLS only (RFC 5630 §3.1.3), and proves its name there only', () => {
    expect(mistakes(pbx(good.replace('sip:', 'sips:')))).toEqual(['pbx[0].uri: sips: needs a TLS listener']);
    expect(mistakes(pbx(`${good}\ncertificate_name = "pbx"`))).toEqual([
      'pbx[0].certificate_name: a certificate needs a TLS listener',
    ]);
  });
});

describe('a trunk', () => {
  test('calls in or out', () => {
    expect(mistakes(trunk(''))).toEqual([
      'trunk[0].name: a trunk needs a uri to call out, or accept_from or certificate_name to call in',
    ]);
    expect(mistakes(trunk('uri = "sips:a.example"'))).toEqual([]);
    expect(mistakes(trunk('accept_from = ["198.51.100.0/24"]'))).toEqual([]);
    expect(mistakes(trunk('certificate_name = "a.example"'))).toEqual([]);
  });

  test('is not believed by its address alone on UDP, unless that is said', () => {
    const byAddress = 'accept_from = ["198.51.100.0/24"]';
    expect(mistakes(trunk(byAddress, 'to-pbx'))[0]).toContain('an address proves nothing on UDP');
    expect(mistakes(trunk(`${byAddress}\nallow_unauthenticated_udp = true`, 'to-pbx'))).toEqual([]);
    const challenged = `${byAddress}\nchallenge = true\nusername = "c"\npassword_env = "P"`;
    expect(mistakes(trunk(challenged, 'to-pbx'))).toEqual([]);
  });

  test('shows a certificate, or is called by sips:, over TLS only', () => {
    expect(mistakes(trunk('certificate_name = "a.example"', 'to-pbx'))).toEqual([
      'trunk[0].certificate_name: a certificate needs a TLS listener',
    ]);
    expect(mistakes(trunk('uri = "sips:a.example"', 'to-pbx'))).toEqual(['trunk[0].uri: sips: needs a TLS listener']);
  });

  test('that is challenged has an account, and something to be recognised by', () => {
    expect(mistakes(trunk('accept_from = ["198.51.100.0/24"]\nchallenge = true'))).toEqual([
      'trunk[0].challenge: a challenged trunk needs username and password_env',
    ]);
    expect(mistakes(trunk('uri = "sips:a.example"\nchallenge = true\nusername = "c"\npassword_env = "P"'))).toEqual([
      'trunk[0].challenge: a trunk is recognised by accept_from or certificate_name before it is challenged',
    ]);
  });

  test('that a route calls can be called', () => {
    const route = '[[route]]\nfrom = "user"\nvia = "trunk:carrier"\n';
    expect(mistakes(trunk('accept_from = ["198.51.100.0/24"]') + route)).toEqual([
      'route[0].via: trunk "carrier" has no uri to call out to',
    ]);
    expect(mistakes(trunk('uri = "sips:a.example"') + route)).toEqual([]);
  });
});

describe('a user', () => {
  const md5 = '"0123456789abcdef0123456789abcdef"';

  test.each([
    ['no secret', '', 1],
    ['a password', 'password = "x"', 0],
    ['a variable', 'password_env = "P"', 0],
    ['an HA1', `ha1 = { MD5 = ${md5} }`, 0],
    ['a password and a variable', 'password = "x"\npassword_env = "P"', 1],
    ['a password and an HA1', `password = "x"\nha1 = { MD5 = ${md5} }`, 1],
    ['an HA1 of another length', 'ha1 = { MD5 = "0123" }', 1],
    ['an HA1 of SHA-256 as long as one of MD5', `ha1 = { "SHA-256" = ${md5} }`, 1],
  ])('has exactly one secret: %s', (_what, secret, expected) => {
    expect(mistakes(`[[user]]\nname = "alice"\n${secret}\n`)).toHaveLength(expected);
  });
});

describe('registrations', () => {
  test.each([
    ['min_expires = "2h"', ['registrations.min_expires: is longer than max_expires (3600 s)']],
    ['max_expires = "30s"', ['registrations.min_expires: is longer than max_expires (30 s)']],
    ['min_expires = "1ms"\nmax_expires = "999ms"', ['registrations.max_expires: expected at least a second']],
    ['min_expires = "1h"', []],
  ])('%s', (lines, expected) => {
    expect(mistakes(`[registrations]\n${lines}\n`)).toEqual(expected);
  });
});

describe('a route', () => {
  const peers = `${pbx('embedded = true')}\n${trunk('uri = "sip:carrier.test"')}`;
  const of = (more: string): readonly string[] => mistakes(`${peers}\n[[route]]\n${more}`);

  test('tries several peers in turn', () => {
    expect(of('from = "pbx"\nto = ["+44*", "200-299", "6??"]\nvia = ["trunk:carrier", "pbx:main"]')).toEqual([]);
  });

  test('names what there is, and what fits its callers', () => {
    expect(of('from = "pbx"\nvia = ["trunk:carrier", "trunk:other"]')).toEqual([
      'route[0].via: there is no trunk "other"',
    ]);
    expect(of('from = "pbx"\nvia = ["users", "trunk:carrier"]')).toEqual(['route[0].via: "users" stands alone']);
    expect(of('from = "user"\ntrunks = ["carrier"]\nvia = "users"')).toEqual([
      'route[0].trunks: is for from = "trunk"',
    ]);
    expect(of('from = "trunk"\nusers = ["alice"]\nvia = "users"')).toEqual(['route[0].users: is for from = "user"']);
    expect(of('from = "pbx"\ngroups = ["sales"]\nvia = "users"')).toEqual([
      'route[0].groups: there is no group "sales"',
      'route[0].groups: is for from = "user"',
    ]);
    expect(of('from = "trunk"\ntrunk_groups = ["all"]\nhours = "office"\nvia = "users"')).toEqual([
      'route[0].trunk_groups: there is no trunk_group "all"',
      'route[0].hours: there are no hours "office"',
    ]);
    expect(of('from = "user"\nlisteners = ["nowhere"]\nvia = "users"')).toEqual([
      'route[0].listeners: there is no listener "nowhere"',
    ]);
  });

  test('has patterns that can be read', () => {
    expect(of('from = "user"\nto = "299-200"\nvia = "users"')[0]).toContain('the lower one first');
    expect(of('from = "user"\nto = ["[2-"]\nvia = "users"')[0]).toContain('expected digits or letters');
  });
});

describe('numbers of a trunk', () => {
  const of = (more: string): readonly string[] => mistakes(trunk(`uri = "sip:carrier.test"\n${more}`));

  test('are rewritten, and the caller is one of ours', () => {
    expect(of('called = [{ match = "+44*", form = "national" }, { prefix = "00", strip = 1 }]')).toEqual([]);
    expect(of('caller_id = { allowed = ["+44163296*"], default = "+441632960000" }')).toEqual([]);
  });

  test('are not rewritten in two ways, and the caller is shown in one', () => {
    expect(of('called = [{ replace = "1", strip = 1 }]')).toEqual([
      'trunk[0].called[0]: replace and strip exclude each other',
    ]);
    expect(of('caller_id = { fixed = "1", anonymous = true }')).toEqual([
      'trunk[0].caller_id: expected exactly one of fixed, allowed and anonymous',
    ]);
    expect(of('caller_id = { fixed = "1", default = "2" }')).toEqual([
      'trunk[0].caller_id: default belongs to allowed',
    ]);
    expect(of('signed_identity = "pass"\ncaller_id = { fixed = "1" }')[0]).toContain('one or the other');
  });
});

describe('trunk groups', () => {
  const carrier = trunk('uri = "sip:192.0.2.9"');
  const incoming = '[[trunk]]\nname = "in"\nlistener = "phones"\naccept_from = ["192.0.2.8"]\n';

  function group(members: string): string {
    return `${carrier}${incoming}[[trunk_group]]\nname = "g"\nmembers = [${members}]\n`;
  }

  test('have members that can be called, each once', () => {
    expect(mistakes(group('{ via = "trunk:carrier", priority = 0, weight = 65535 }'))).toEqual([]);
    expect(mistakes(group('{ via = "trunk:carrier" }, { via = "trunk:carrier" }'))).toEqual([
      'trunk_group[0].members: trunk:carrier is in it twice',
    ]);
    expect(mistakes(group('{ via = "trunk:other" }'))).toEqual(['trunk_group[0].members: there is no trunk "other"']);
    expect(mistakes(group('{ via = "trunk:in" }'))).toEqual([
      'trunk_group[0].members: trunk "in" has no uri to call out to',
    ]);
  });

  test('are what a route may lead to', () => {
    const route = (name: string): string => `[[route]]\nfrom = "pbx"\nvia = "group:${name}"\n`;
    expect(mistakes(group('{ via = "trunk:carrier" }') + route('g'))).toEqual([]);
    expect(mistakes(group('{ via = "trunk:carrier" }') + route('h'))).toEqual([
      'route[0].via: there is no trunk_group "h"',
    ]);
  });
});
