// Whose dialog a Replaces means where it is no dialog of this process.
import { describe, expect, test } from 'vitest';
import {
  callerDialog,
  elsewhereDialog,
  onBehalfHeader,
  onBehalfOf,
  toldDialog,
} from '../../../../src/b2bua/transfer/replaced-dialog.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { noBody, type SipRequest } from '../../../../src/sip/message/message.ts';
import type { Identity } from '../../../../src/sip/user-agent/session.ts';

const alice: Identity = { kind: 'user', aor: 'alice@pbx.test', name: 'alice', domain: 'pbx.test' };
const pbx: Identity = { kind: 'pbx', name: 'main' };
const trunk: Identity = { kind: 'trunk', name: 'carrier' };
const replaces = { callId: 'c1', toTag: 'p2-ours', fromTag: 'theirs', isEarlyOnly: false };

function invite(...fields: readonly (readonly [string, string])[]): SipRequest {
  return {
    kind: 'request',
    method: 'INVITE',
    uri: 'sip:601@pbx.test',
    headers: Headers.of(...fields.map(([name, value]): [string, string] => [name, value])),
    body: noBody,
  };
}

describe('a dialog of another process', () => {
  const contactOf = (): never => {
    throw new Error('nobody is called yet');
  };
  const asked: string[] = [];
  const processOf = (tag: string): typeof contactOf | undefined => {
    asked.push(tag);
    return tag.startsWith('p2-') ? contactOf : undefined;
  };

  test('is asked for with the Replaces as it came and the name of the user, and with nothing else', () => {
    const dialog = elsewhereDialog(replaces, alice, processOf);
    expect([...(dialog?.headers.entries() ?? [])]).toEqual([
      ['Replaces', 'c1;to-tag=p2-ours;from-tag=theirs'],
      [onBehalfHeader, 'alice@pbx.test'],
    ]);
    expect(dialog?.contactOf).toBe(contactOf);
  });

  test('may be replaced only while it rings, where that was asked for', () => {
    const dialog = elsewhereDialog({ ...replaces, isEarlyOnly: true }, alice, processOf);
    expect(dialog?.headers.get('Replaces')).toBe('c1;to-tag=p2-ours;from-tag=theirs;early-only');
  });

  test('is nobody else’s to ask for: what a PBX, a trunk or nobody known sends makes no process ask another', () => {
    asked.length = 0;
    for (const asker of [pbx, trunk, { kind: 'anonymous' } as const])
      expect(elsewhereDialog(replaces, asker, processOf)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('is none where our tag names no other process', () => {
    expect(elsewhereDialog({ ...replaces, toTag: 'ours' }, alice, processOf)).toBeUndefined();
  });
});

describe('on whose behalf a process asks', () => {
  test('is the user that it names, whatever is in front of the last @', () => {
    expect(onBehalfOf(invite([onBehalfHeader, 'alice@pbx.test']))).toEqual(alice);
    expect(onBehalfOf(invite([onBehalfHeader, 'a@b@pbx.test']))).toEqual({
      kind: 'user',
      aor: 'a@b@pbx.test',
      name: 'a@b',
      domain: 'pbx.test',
    });
  });

  test('is nobody where it names none, or no user', () => {
    expect(onBehalfOf(invite())).toBeUndefined();
    expect(onBehalfOf(invite([onBehalfHeader, 'alice']))).toBeUndefined();
    expect(onBehalfOf(invite([onBehalfHeader, '@pbx.test']))).toBeUndefined();
  });
});

describe('a dialog that a PBX told of', () => {
  const toldOf = (aor: string, callId: string): { pbx: string; callId: string } | undefined =>
    aor === 'alice@pbx.test' && callId === 'c1' ? { pbx: 'main', callId: 'inside' } : undefined;

  test('is asked for there by the name that it has there', () => {
    expect(toldDialog(replaces, alice, toldOf)).toEqual({
      pbx: 'main',
      replaces: 'inside;to-tag=p2-ours;from-tag=theirs',
    });
  });

  test('is known to the user alone who was told', () => {
    expect(toldDialog(replaces, { ...alice, aor: 'bob@pbx.test' }, toldOf)).toBeUndefined();
    expect(toldDialog(replaces, pbx, toldOf)).toBeUndefined();
    expect(toldDialog({ ...replaces, callId: 'c2' }, alice, toldOf)).toBeUndefined();
  });
});

test('the caller’s side of a call that rings is no dialog of a PBX where none has called', () => {
  expect(callerDialog(replaces, undefined)).toBeUndefined();
});
