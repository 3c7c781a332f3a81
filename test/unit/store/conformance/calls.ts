// What every store of calls promises (`store/call-store.ts`).
import { describe, expect, test } from 'vitest';
import { type MakePlace, Processes } from './place.ts';

const one = { id: 'call-1', document: '{"v":1,"text":"one"}' };
const two = { id: 'call-2', document: '{"v":1,"text":"two, grüße"}' };

export function describeCalls(name: string, make: MakePlace): void {
  describe(`calls ${name}`, () => {
    test('are for the next process what this one wrote last, in the order of their ids', async () => {
      const processes = new Processes(make);
      const { calls } = await processes.next();
      calls.write([two, one], []);
      calls.write([{ ...one, document: '{"v":1,"text":"changed"}' }], []);
      const next = await processes.next();
      expect(next.calls.load()).toEqual({
        calls: [{ ...one, document: '{"v":1,"text":"changed"}' }, two],
        unreadable: [],
      });
    });

    test('are gone when they are removed, and one that is not there is no offence', async () => {
      const processes = new Processes(make);
      const { calls } = await processes.next();
      calls.write([one, two], []);
      calls.write([], ['call-2', 'call-3']);
      expect((await processes.next()).calls.load().calls).toEqual([one]);
      expect((await processes.next()).calls.load().calls).toEqual([one]);
    });

    test('that are put, removed and put again are there', async () => {
      const processes = new Processes(make);
      const { calls } = await processes.next();
      calls.write([one], []);
      calls.write([two], ['call-1']);
      calls.write([one], ['call-2']);
      expect((await processes.next()).calls.load().calls).toEqual([one]);
    });

    test('of the process before stay until they are removed', async () => {
      const processes = new Processes(make);
      (await processes.next()).calls.write([one, two], []);
      const second = await processes.next();
      second.calls.write([], ['call-1']);
      expect((await processes.next()).calls.load().calls).toEqual([two]);
    });

    test('belong to a run with a name that no other one has', async () => {
      const processes = new Processes(make);
      const first = (await processes.next()).calls.run;
      expect((await processes.next()).calls.run).not.toBe(first);
    });

    test('are apart from subscriptions, which come back alike', async () => {
      const processes = new Processes(make);
      const first = await processes.next();
      first.subscriptions.write([two, one], []);
      first.subscriptions.write([{ ...one, document: '{}' }], ['call-9']);
      first.calls.write([two], []);
      const second = await processes.next();
      expect(second.subscriptions.load()).toEqual([{ ...one, document: '{}' }, two]);
      expect(second.calls.load().calls).toEqual([two]);
      second.subscriptions.write([], ['call-2']);
      expect((await processes.next()).subscriptions.load()).toEqual([{ ...one, document: '{}' }]);
    });

    test('may be large and many', async () => {
      const processes = new Processes(make);
      const { calls } = await processes.next();
      const many = Array.from({ length: 300 }, (_, n) => ({ id: `call-${1_000 + n}`, document: 'ä'.repeat(9_000) }));
      calls.write(many, []);
      expect((await processes.next()).calls.load().calls).toEqual(many);
    });
  });
}
