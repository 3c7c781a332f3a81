import { describe, expect, test } from 'vitest';
import { compileGateRules, type GateConfig } from '../../../../src/sip/auth/gate-rules.ts';
import { flowFrom } from './gate-fixture.ts';

const empty: GateConfig = { listeners: [], domains: [], peers: [] };
const phones = { name: 'phones', side: 'outside', algorithms: ['MD5'] } as const;
const pbx = { identity: { kind: 'pbx', name: 'main' }, listener: 'phones', acceptFrom: ['10.0.0.5'] } as const;

function errorsOf(config: Partial<GateConfig>): readonly string[] {
  const compiled = compileGateRules({ ...empty, ...config });
  return compiled.ok ? [] : compiled.error;
}

function nameOf(config: Partial<GateConfig>, flow = flowFrom('10.0.0.5')): string | undefined {
  const compiled = compileGateRules({ ...empty, ...config });
  if (!compiled.ok) throw new Error(compiled.error.join('; '));
  return compiled.value.peerOf(flow)?.identity.name;
}

describe('mistakes in the rules', () => {
  test('every one is told at once', () => {
    expect(
      errorsOf({
        listeners: [phones, phones],
        domains: [
          { name: 'a.test', realm: '' },
          { name: 'b.test', realm: 'b', aliases: ['A.test'], algorithms: ['SHA-256'] },
        ],
        peers: [
          { ...pbx, listener: 'nowhere' },
          { ...pbx, acceptFrom: [] },
          { ...pbx, acceptFrom: ['10.0.0.5/24', 'garbage'] },
          { ...pbx, acceptFrom: [], certificateName: '*.carrier.example' },
        ],
      }),
    ).toEqual([
      'domain "a.test": expected a realm',
      '"a.test" means two domains',
      'listener "phones" and domain "b.test" have no digest algorithm in common',
      'listener "phones" is given twice',
      'listener "phones" and domain "b.test" have no digest algorithm in common',
      'pbx "main": there is no listener "nowhere"',
      'pbx "main": expected addresses or a certificate name',
      'pbx "main": "10.0.0.5/24" has bits set beyond its prefix length of 24',
      'pbx "main": expected a numeric address or address/length, got "garbage"',
      'pbx "main": expected a certificate name without wildcard',
    ]);
  });

  test('an inside listener needs no algorithms', () => {
    const inside = { name: 'to-pbx', side: 'inside', algorithms: [] } as const;
    expect(errorsOf({ listeners: [inside], domains: [{ name: 'a.test', realm: 'a' }] })).toEqual([]);
  });
});

describe('which peer a flow is', () => {
  const named = (
    name: string,
    acceptFrom: readonly string[],
    certificateName?: string,
  ): GateConfig['peers'][number] => ({
    identity: { kind: 'trunk', name },
    listener: 'phones',
    acceptFrom,
    certificateName,
  });

  test('the most specific block, then the first configured', () => {
    const peers = [named('wide', ['10.0.0.0/8']), named('host', ['10.0.0.5']), named('again', ['10.0.0.5'])];
    expect(nameOf({ listeners: [phones], peers })).toBe('host');
    expect(nameOf({ listeners: [phones], peers }, flowFrom('10.9.9.9'))).toBe('wide');
    expect(nameOf({ listeners: [phones], peers }, flowFrom('11.0.0.1'))).toBeUndefined();
  });

  test('a certificate before an address', () => {
    const peers = [
      named('host', ['10.0.0.5']),
      named('anywhere', [], 'c.example'),
      named('both', ['10.0.0.0/8'], 'd.example'),
    ];
    expect(nameOf({ listeners: [phones], peers }, flowFrom('10.0.0.5', { peerNames: ['c.example'] }))).toBe('anywhere');
    expect(nameOf({ listeners: [phones], peers }, flowFrom('10.0.0.5', { peerNames: ['d.example'] }))).toBe('both');
    expect(nameOf({ listeners: [phones], peers }, flowFrom('10.0.0.5', { peerNames: ['e.example'] }))).toBe('host');
    expect(nameOf({ listeners: [phones], peers }, flowFrom('192.0.2.1', { peerNames: ['d.example'] }))).toBeUndefined();
  });

  test('an address that belongs to a peer with a certificate is not enough', () => {
    expect(nameOf({ listeners: [phones], peers: [named('both', ['10.0.0.5'], 'd.example')] })).toBeUndefined();
  });

  test('several peers may share a certificate name and differ by address', () => {
    const peers = [named('a', ['10.0.0.5'], 'c.example'), named('b', ['10.0.0.6'], 'c.example')];
    expect(nameOf({ listeners: [phones], peers }, flowFrom('10.0.0.6', { peerNames: ['c.example'] }))).toBe('b');
  });
});
