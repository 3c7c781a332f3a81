import { describe, expect, test } from 'vitest';
import { readAsterisk } from '../../../src/cli/user/import/asterisk.ts';
import { readKamailio } from '../../../src/cli/user/import/kamailio.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

const md5 = '0123456789abcdef0123456789ABCDEF';

const pjsip = `
; phones
[transport-udp]
type=transport

[auth-base](!)
type = auth
auth_type=userpass

[alice](auth-base)
username=alice
password=Looking\\;Glass-71  ; the semicolon is hers

[bob-auth](auth-base)
username = bob
auth_type=md5
md5_cred=${md5}
realm=pbx.test

[dora]
type=auth
auth_type=digest
username=dora
password_digest=SHA-256:${'ab'.repeat(32)}

[alice]
type=endpoint
auth=alice

[broken]
type=auth
md5_cred=xyz
`;

describe('Asterisk', () => {
  test('pjsip.conf: authentication by password, MD5 or digest, templates included; endpoints are none', () => {
    expect(readAsterisk(pjsip)).toEqual({
      users: [
        { name: 'alice', realm: undefined, line: 10, secret: { kind: 'password', password: 'Looking;Glass-71' } },
        { name: 'bob', realm: 'pbx.test', line: 14, secret: { kind: 'ha1', ha1: { MD5: md5.toLowerCase() } } },
        { name: 'dora', realm: undefined, line: 20, secret: { kind: 'ha1', ha1: { 'SHA-256': 'ab'.repeat(32) } } },
      ],
      faults: [{ line: 30, message: '[broken]: expected hexadecimal digits' }],
    });
  });

  test('sip.conf: peers by name, or by the name that they log in with', () => {
    const text = `[general]\nbindport=5060\n[200]\ntype=friend\nsecret => Wonderland-1865\n[x]\ntype=peer\ndefaultuser=300\nmd5secret=${md5}\n[noauth]\ntype=peer\n[oops\n`;
    expect(readAsterisk(text)).toMatchObject({
      users: [
        { name: '200', secret: { kind: 'password', password: 'Wonderland-1865' } },
        { name: '300', secret: { kind: 'ha1' } },
      ],
      faults: [{ line: 12 }],
    });
  });
});

describe('Kamailio', () => {
  test('subscriber as CSV: quoted fields, passwords before hashes, columns by name', () => {
    const text = `id,username,domain,password,ha1,ha1b\n1,alice,pbx.test,"Pass, ""quoted"" 71-x",,\n2,bob,second.test,,${md5},${md5}\r\n3,eve,pbx.test,,,\n4,short\n`;
    expect(readKamailio(text)).toMatchObject({
      users: [
        { name: 'alice', domain: 'pbx.test', line: 2, secret: { kind: 'password', password: 'Pass, "quoted" 71-x' } },
        { name: 'bob', domain: 'second.test', realm: 'second.test', line: 3, secret: { kind: 'ha1' } },
      ],
      faults: [
        { line: 4, message: 'neither a password nor an HA1 that can be read' },
        { line: 5, message: 'expected 6 columns, got 2' },
      ],
    });
  });

  test('tabs will do, and another table will not', () => {
    expect(readKamailio('username\tdomain\tpassword\ncarol\tpbx.test\tWonderland-1865').users).toHaveLength(1);
    expect(readKamailio('a,b\n1,2').faults).toEqual([
      { line: 1, message: 'expected a first line with a column "username"' },
    ]);
    expect(readKamailio('').faults).toHaveLength(1);
  });
});

describe('user import', () => {
  const subscriber = [
    'username,domain,password,ha1',
    'alice,pbx.test,Wonderland-1865,',
    'weak,pbx.test,1234,',
    `hashed,pbx.test,,${md5}`,
    `other,second.test,,${md5}`,
    'eve,evil.test,Wonderland-1865,',
    'configured,pbx.test,Wonderland-1865,',
    'alice,pbx.test,Wonderland-1865,',
    'bad name,pbx.test,Wonderland-1865,',
  ].join('\n');

  test('keeps who may be kept and says of every other why not', async () => {
    const cli = new Cli(smallConfig);
    cli.write('users.csv', subscriber);
    expect(await cli.run('user', 'import', 'users.csv', '--format', 'kamailio')).toBe(1);
    expect(cli.out).toMatch(/2 +alice@pbx\.test +imported/);
    expect(cli.out).toMatch(/3 +weak@pbx\.test +left out +the password has 4 characters/);
    expect(cli.out).toMatch(/4 +hashed@pbx\.test +imported +imported; cannot answer SHA-256/);
    expect(cli.out).toMatch(
      /5 +other@second\.test +left out +its hash is of the realm "second\.test", not "Second House"/,
    );
    expect(cli.out).toMatch(/6 +eve +left out +there is no domain "evil\.test"/);
    expect(cli.out).toMatch(/7 +configured@pbx\.test +left out +there is already/);
    expect(cli.out).toMatch(/8 +alice@pbx\.test +left out +there is already/);
    expect(cli.out).toMatch(/9 +bad name +left out/);
    expect(cli.out).toContain('2 imported, 6 left out');
    await cli.run('user', 'list', '--json');
    expect(cli.json()).toMatchObject({ users: [{}, { user: 'alice@pbx.test' }, { user: 'hashed@pbx.test' }] });
  });

  test('says nothing of an algorithm that the domain does not offer, nor does the audit', async () => {
    const cli = new Cli(smallConfig.replace('name = "pbx.test"\n', 'name = "pbx.test"\nalgorithms = ["MD5"]\n'));
    cli.write('users.csv', `username,domain,ha1\nhashed,pbx.test,${md5}`);
    expect(await cli.run('user', 'import', 'users.csv', '--format', 'kamailio')).toBe(0);
    expect(cli.out).not.toContain('cannot answer');
    await cli.run('audit');
    expect(cli.out).not.toContain('hashed@');
    cli.write('portcullis.toml', smallConfig);
    await cli.run('audit');
    expect(cli.out).toContain('no hash for SHA-256, which a listener offers');
  });

  test('takes weak ones only when told, and nothing in a trial', async () => {
    const cli = new Cli(smallConfig);
    cli.write('users.csv', 'username,domain,password\nweak,pbx.test,1234\n');
    expect(await cli.run('user', 'import', 'users.csv', '-f', 'kamailio', '--accept-weak', '--dry-run')).toBe(0);
    await cli.run('user', 'list');
    expect(cli.out).not.toContain('weak@');
    expect(await cli.run('user', 'import', 'users.csv', '-f', 'kamailio', '--accept-weak', '--json')).toBe(0);
    expect(cli.json()).toMatchObject({ imported: 1, leftOut: 0 });
    expect(cli.out).not.toContain('1234');
    expect(await cli.run('audit')).toBe(1);
    expect(cli.out).toMatch(/weak@pbx\.test +guessed/);
  });

  test.each([
    [['users.csv'], 2, '--format: expected asterisk or kamailio'],
    [['users.csv', '-f', 'xml'], 2, '--format: expected asterisk or kamailio, got "xml"'],
    [['none.csv', '-f', 'kamailio'], 1, 'none.csv'],
  ])('%j', async (args, code, message) => {
    const cli = new Cli(smallConfig);
    cli.write('users.csv', '');
    expect(await cli.run('user', 'import', ...args)).toBe(code);
    expect(cli.error).toContain(message);
  });
});
