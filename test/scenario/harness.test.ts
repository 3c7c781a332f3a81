// The scenarios' own proof: `finish` must fail on whatever is left, leaked or not written down.
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp } from '../support/scenario-calls.ts';

describe('finish fails', () => {
  test('while a call runs', async () => {
    const s = new Scenario();
    await connect(s);
    await expect(s.finish()).rejects.toThrow(/^expected \{ calls/);
  });

  test('on a slot that is kept, a port that is open, a timer that waits', async () => {
    const slot = new Scenario();
    await slot.reservations.reserve('nobody', [
      { kind: 'slot', key: 'total', cap: 1, refusal: { code: 'total-cap', status: 503, text: '', detail: '' } },
    ]);
    await expect(slot.finish()).rejects.toThrow(/^expected \{ calls/);

    const port = new Scenario();
    port.media.openSession('nobody', () => {});
    await expect(port.finish()).rejects.toThrow(/^expected \{ calls/);

    const timer = new Scenario();
    timer.scheduler.after(1_000_000, () => {});
    await expect(timer.finish()).rejects.toThrow(/^expected \{ calls/);
  });

  test('on a record that is missing, or written twice', async () => {
    const s = new Scenario();
    await hangUp(await connect(s));
    const { record } = s;
    s.records.pop();
    await expect(s.finish()).rejects.toThrow(/records/);
    s.records.push(record, record);
    await expect(s.finish()).rejects.toThrow(/records/);
  });

  test('on an address that one side saw of the other', async () => {
    const s = new Scenario();
    const { phone } = await connect(s);
    const sent = s.wire.log.find(({ direction, flow }) => direction === 'to' && flow === phone.flow);
    if (sent === undefined) throw new Error('nothing was sent');
    s.wire.log.push({ ...sent, text: `${sent.text}X-Route: sip:10.0.0.5\r\n` });
    expect(() => s.expectHidden()).toThrow(/10\.0\.0\./);
  });
});
