import { describe, expect, test } from 'vitest';
import type { BindingRecord, LocationStore } from '../../../src/registration/location.ts';
import { MemoryLocationStore } from '../../../src/store/memory/location-store.ts';
import { stateOf, temporaryDirectory } from './stores.ts';

function binding(aor: string, contact: string, more: Partial<BindingRecord> = {}): BindingRecord {
  return {
    v: 2,
    aor,
    contact,
    key: contact,
    callId: `call-of-${contact}`,
    sequence: 7,
    priority: 0.5,
    expiresAt: Date.UTC(2026, 0, 5, 11),
    flowId: 'flow-1',
    listener: 'phones',
    userAgent: 'softphone/1.0',
    path: [],
    ...more,
  };
}

const stores: readonly (readonly [string, () => LocationStore])[] = [
  ['memory', () => new MemoryLocationStore()],
  ['sqlite', () => stateOf(temporaryDirectory()).locations],
];

describe.each(stores)('the %s location store', (_name, open) => {
  test('gives back every field of what it was given', async () => {
    const store = open();
    const kept = [
      binding('alice@pbx.test', 'sip:alice@192.0.2.1', { priority: 0.25, sequence: 4_294_967_295 }),
      binding('alice@pbx.test', 'sip:älice@[2001:db8::1]:5061;transport=tls', {
        userAgent: undefined,
        path: ['<sip:one@edge.test;lr>', '<sip:two@edge.test;lr;ob>'],
      }),
    ];
    await store.save('alice@pbx.test', kept);
    expect(await store.find('alice@pbx.test')).toEqual(kept);
  });

  test('keeps the order of bindings', async () => {
    const store = open();
    const contacts = ['sip:c@h', 'sip:a@h', 'sip:b@h'];
    await store.save(
      'alice@pbx.test',
      contacts.map((contact) => binding('alice@pbx.test', contact)),
    );
    expect((await store.find('alice@pbx.test')).map(({ contact }) => contact)).toEqual(contacts);
  });

  test('replaces all bindings of one user and leaves those of others', async () => {
    const store = open();
    await store.save('alice@pbx.test', [binding('alice@pbx.test', 'sip:old@h'), binding('alice@pbx.test', 'sip:x@h')]);
    await store.save('bob@pbx.test', [binding('bob@pbx.test', 'sip:bob@h')]);
    await store.save('alice@pbx.test', [binding('alice@pbx.test', 'sip:new@h')]);
    expect((await store.all()).map(({ contact }) => contact)).toEqual(['sip:new@h', 'sip:bob@h']);
  });

  test('forgets a user who has no binding left', async () => {
    const store = open();
    await store.save('alice@pbx.test', [binding('alice@pbx.test', 'sip:a@h')]);
    await store.save('alice@pbx.test', []);
    expect(await store.find('alice@pbx.test')).toEqual([]);
    expect(await store.all()).toEqual([]);
  });

  test('finds nothing for a user whose name only looks like another', async () => {
    const store = open();
    await store.save('alice@pbx.test', [binding('alice@pbx.test', 'sip:a@h')]);
    for (const other of ['Alice@pbx.test', 'alice@pbx.tes', 'alice@pbx.test ', '%', "' OR 1=1 --"]) {
      expect(await store.find(other), other).toEqual([]);
    }
  });
});

describe('bindings in the database after a restart', () => {
  test('are there, but over no flow that this run can have', async () => {
    const directory = temporaryDirectory();
    const before = binding('alice@pbx.test', 'sip:a@h');
    await stateOf(directory).locations.save('alice@pbx.test', [before]);
    const [after] = await stateOf(directory).locations.find('alice@pbx.test');
    expect({ ...after, flowId: before.flowId }).toEqual(before);
    expect(after?.flowId).not.toBe(before.flowId);
  });

  test('stay of that run when another phone of the user registers', async () => {
    const directory = temporaryDirectory();
    await stateOf(directory).locations.save('alice@pbx.test', [binding('alice@pbx.test', 'sip:old@h')]);
    const second = stateOf(directory).locations;
    const [old] = await second.find('alice@pbx.test');
    const fresh = binding('alice@pbx.test', 'sip:new@h');
    await second.save('alice@pbx.test', old === undefined ? [] : [old, fresh]);
    expect(await second.find('alice@pbx.test')).toEqual([old, fresh]);
    const third = await stateOf(directory).locations.find('alice@pbx.test');
    expect(third.map(({ flowId }) => flowId)).not.toContain('flow-1');
    expect(third[0]).toEqual(old);
  });
});
