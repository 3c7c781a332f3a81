// Which call an INVITE with Replaces means, of those that run.
import { describe, expect, test } from 'vitest';
import { type ReplaceableCall, Replacements, type ReplacementsParts } from '../../../src/b2bua/replacements.ts';
import { onBehalfHeader } from '../../../src/b2bua/transfer/replaced-dialog.ts';
import { Headers } from '../../../src/sip/message/headers.ts';
import { noBody, type SipRequest } from '../../../src/sip/message/message.ts';
import type { EarlyDialog, Identity, Session } from '../../../src/sip/user-agent/session.ts';

function user(name: string): Identity {
  return { kind: 'user', aor: `${name}@pbx.test`, name, domain: 'pbx.test' };
}
const alice = user('alice');
const node: Identity = { kind: 'pbx', name: 'node:two' };

function invite(replaces: string | undefined, onBehalf?: string): SipRequest {
  let headers = replaces === undefined ? Headers.empty : Headers.of(['Replaces', replaces]);
  if (onBehalf !== undefined) headers = headers.append(onBehalfHeader, onBehalf);
  return { kind: 'request', method: 'INVITE', uri: 'sip:601@pbx.test', headers, body: noBody };
}

function sessionOf(peer: Identity): Session {
  const nothing = (): void => {};
  const said = { ack: nothing, reinvite: nothing, request: nothing, cancelReinvite: nothing, bye: nothing };
  const kept = { handOver: nothing, carry: nothing, stamp: '', snapshot: nobody };
  return { id: 's', callId: 'c1', flow: undefined, peer, ...said, ...kept };
}

function nobody(): never {
  throw new Error('not asked for');
}

class Site {
  readonly asked: string[] = [];
  refer: 'handle' | 'refuse' = 'handle';
  early: EarlyDialog | undefined;
  readonly #session = sessionOf(alice);

  readonly call: ReplaceableCall = {
    call: { id: 'call-1' },
    sessions: {
      legOf: (session) => (session === this.#session ? 'a' : undefined),
      takeHalf: () => 'busy',
      attemptOf: (outgoing) => (outgoing === 'out-1' ? 'b1' : undefined),
      incoming: undefined,
    },
  };
  calls = [this.call];

  readonly parts: ReplacementsParts = {
    directory: {
      methodPolicy: () => ({ refer: this.refer }),
      nodeOf: (identity) => (identity === node ? 'two' : undefined),
    },
    userAgent: {
      sessionOf: (callId, localTag, remoteTag, peer) => {
        const name = peer.kind === 'user' ? peer.aor : peer.kind;
        this.asked.push(`${callId} ${localTag} ${remoteTag} of ${name}`);
        return callId === 'c1' && name === 'alice@pbx.test' ? this.#session : undefined;
      },
      earlyOf: () => this.early,
    },
    toldDialog: (_, callId) => (callId === 'told' ? { pbx: 'main', callId: 'inside' } : undefined),
    nodeOfTag: (tag) => (tag.startsWith('p3-') ? nobody : undefined),
  };

  of(identity: Identity, request: SipRequest, from?: string): string {
    const replacement = new Replacements(this.parts, () => this.calls).of(request, identity, from);
    return 'refusal' in replacement ? `${replacement.kind} ${replacement.refusal.status}` : replacement.kind;
  }
}

const wish = 'c1;to-tag=ours;from-tag=theirs';
const there = 'c9;to-tag=p3-ours;from-tag=theirs';

describe('a dialog that an INVITE would replace', () => {
  test('is looked for as whoever sends it, with exactly its names', () => {
    const site = new Site();
    expect(site.of(alice, invite(wish))).toBe('refused 491');
    expect(site.of(user('bob'), invite(wish))).toBe('unknown 481');
    expect(site.asked).toEqual(['c1 ours theirs of alice@pbx.test', 'c1 ours theirs of bob@pbx.test']);
  });

  test('is asked for by nobody where that is not served, or not wished', () => {
    const site = new Site();
    expect(site.of(alice, invite(undefined))).toBe('none');
    site.refer = 'refuse';
    site.early = { outgoing: 'out-1', isOfAsker: true };
    expect(site.of(alice, invite(wish))).toBe('none');
    expect(new Replacements(site.parts, () => site.calls).ringingOf(invite(wish), alice)).toBeUndefined();
    expect(site.asked).toEqual([]);
  });

  test('is not joined to itself, nor to a call that is over', () => {
    const site = new Site();
    expect(site.of(alice, invite(wish), 'call-1')).toBe('unknown 481');
    expect(site.of(alice, invite(wish), 'call-2')).toBe('refused 491');
    site.calls = [];
    expect(site.of(alice, invite(wish))).toBe('refused 603');
  });
});

describe('a dialog of somebody else', () => {
  test('is a PBX’s that the user was told of, or one of another node', () => {
    const site = new Site();
    expect(site.of(alice, invite('told;to-tag=x;from-tag=y'))).toBe('foreign');
    expect(site.of(alice, invite(there))).toBe('elsewhere');
  });

  test('is one of the user on whose behalf a node asks, and of nobody where anybody else says so', () => {
    const site = new Site();
    expect(site.of(node, invite(wish, 'alice@pbx.test'))).toBe('refused 491');
    expect(site.of(user('bob'), invite(wish, 'alice@pbx.test'))).toBe('unknown 481');
    expect(site.of(node, invite(wish))).toBe('unknown 481');
  });

  test('is not passed on a second time: what another node asks for is here or nowhere', () => {
    const site = new Site();
    expect(site.of(node, invite(there, 'alice@pbx.test'))).toBe('unknown 481');
    expect(site.of(node, invite('told;to-tag=x;from-tag=y', 'alice@pbx.test'))).toBe('unknown 481');
  });
});

test('an attempt that rings is found with its call, and whether it rings at whoever asks', () => {
  const site = new Site();
  const replacements = new Replacements(site.parts, () => site.calls);
  expect(replacements.ringingOf(invite(wish), alice)).toBeUndefined();
  site.early = { outgoing: 'out-1', isOfAsker: false };
  expect(replacements.ringingOf(invite(wish), alice)).toEqual({ active: site.call, leg: 'b1', isOfAsker: false });
  site.early = { outgoing: 'out-2', isOfAsker: true };
  expect(replacements.ringingOf(invite(wish), alice)).toBeUndefined();
});
