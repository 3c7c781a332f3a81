// What every store of bindings promises (`registration/location.ts`).
import { describe, expect, test } from 'vitest';
import type { BindingRecord } from '../../../../src/registration/location.ts';
import { type MakePlace, Processes } from './place.ts';

const alice = 'alice@pbx.test';

export function binding(aor: string, contact: string, more: Partial<BindingRecord> = {}): BindingRecord {
  return {
    v: 3,
    aor,
    contact,
    key: contact,
    callId: `call-of-${contact}`,
    sequence: 7,
    priority: 0.5,
    // By every clock: a server that other machines share has one of its own.
    expiresAt: Date.UTC(2100, 0, 1),
    flowId: 'flow-1',
    listener: 'phones',
    userAgent: 'softphone/1.0',
    datagram: undefined,
    path: [],
    ...more,
  };
}

/** Whoever asks has them in an order of its own; a store has none. */
function sorted(bindings: readonly BindingRecord[]): readonly BindingRecord[] {
  return bindings.toSorted((one, other) => (one.contact < other.contact ? -1 : 1));
}

export function describeLocations(name: string, make: MakePlace): void {
  describe(`bindings ${name}`, () => {
    test('come back with every field, and so for the next process', async () => {
      const processes = new Processes(make);
      const first = await processes.next();
      const kept = [
        binding(alice, 'sip:c@192.0.2.1', { priority: 0.25, sequence: 4_294_967_295 }),
        binding(alice, 'sip:älice@[2001:db8::1]:5061;transport=tls', {
          userAgent: undefined,
          path: ['<sip:one@edge.test;lr>', '<sip:two@edge.test;lr;ob>'],
        }),
        binding(alice, 'sip:a@192.0.2.1'),
      ];
      await first.locations.save(alice, kept);
      expect(sorted(await first.locations.find(alice))).toEqual(sorted(kept));
      const after = await (await processes.next()).locations.find(alice);
      expect(sorted(after).map((one) => ({ ...one, flowId: 'flow-1' }))).toEqual(sorted(kept));
    });

    test('of one user take the place of all that it had, and leave those of others', async () => {
      const processes = new Processes(make);
      const { locations } = await processes.next();
      await locations.save(alice, [binding(alice, 'sip:old@h'), binding(alice, 'sip:x@h')]);
      await locations.save('bob@pbx.test', [binding('bob@pbx.test', 'sip:bob@h')]);
      await locations.save(alice, [binding(alice, 'sip:new@h')], await locations.find(alice));
      const contacts = async (): Promise<string[]> => (await next.all()).map(({ contact }) => contact).toSorted();
      let next = locations;
      expect(await contacts()).toEqual(['sip:bob@h', 'sip:new@h']);
      next = (await processes.next()).locations;
      expect(await contacts()).toEqual(['sip:bob@h', 'sip:new@h']);
    });

    test('are forgotten where none is left', async () => {
      const processes = new Processes(make);
      const { locations } = await processes.next();
      await locations.save(alice, [binding(alice, 'sip:a@h')]);
      await locations.save(alice, [], await locations.find(alice));
      expect(await locations.find(alice)).toEqual([]);
      const next = await processes.next();
      expect(await next.locations.find(alice)).toEqual([]);
      expect(await next.locations.all()).toEqual([]);
    });

    test('are not found under a name that only looks like theirs', async () => {
      const processes = new Processes(make);
      const { locations } = await processes.next();
      await locations.save(alice, [binding(alice, 'sip:a@h')]);
      for (const other of ['Alice@pbx.test', 'alice@pbx.tes', 'alice@pbx.test ', '%', '__proto__', "' OR 1=1 --"]) {
        expect(await locations.find(other), other).toEqual([]);
      }
    });

    test('of a run before stand on a flow that no later run can have, also when another phone of the user registers', async () => {
      const processes = new Processes(make);
      await (await processes.next()).locations.save(alice, [binding(alice, 'sip:old@h')]);
      const second = (await processes.next()).locations;
      const [old] = await second.find(alice);
      expect(old?.flowId).not.toBe('flow-1');
      const fresh = binding(alice, 'sip:new@h');
      const before = old === undefined ? [] : [old];
      await second.save(alice, [...before, fresh], before);
      expect(sorted(await second.find(alice))).toEqual([fresh, old]);
      const third = await (await processes.next()).locations.find(alice);
      expect(third.map(({ flowId }) => flowId)).not.toContain('flow-1');
      expect(sorted(third)[1]).toEqual(old);
    });

    test('of phones that are reached by datagrams stand on the same flow in every run', async () => {
      const processes = new Processes(make);
      const [local, remote] = [
        { address: '192.0.2.10', port: 5060 },
        { address: '198.51.100.7', port: 5060 },
      ];
      const flowId = 'phones|198.51.100.7|5060';
      const kept = binding(alice, 'sip:a@h', { flowId, datagram: { network: 'outside', local, remote } });
      await (await processes.next()).locations.save(alice, [kept]);
      expect(await (await processes.next()).locations.find(alice)).toEqual([kept]);
    });
  });
}
