// Golden screens of `portcullis top` (test/golden/top); a change of them is read in the diff, and made with `vitest -u`.
import { describe, expect, test } from 'vitest';
import type { OverviewAnswer } from '../../../../src/admin/admin-client-answers.ts';
import { usualCallQuery } from '../../../../src/admin/overview.ts';
import { mergedOverview } from '../../../../src/admin/processes-client-merge.ts';
import { widthOf } from '../../../../src/cli/top/cells.ts';
import { formatCount, reportOf } from '../../../../src/cli/top/frame.ts';
import { painted } from '../../../../src/cli/top/line.ts';
import { type Sample, sampleOf } from '../../../../src/cli/top/sample.ts';
import { initialState } from '../../../../src/cli/top/top-state.ts';
import { err, ok } from '../../../../src/core/result.ts';
import { at, dataOf, earlier, overviewOf, textOf } from './top-fixture.ts';

const golden = (name: string): string => `../../../golden/top/${name}.txt`;
const traffic = { packets: 1_500, bytes: 258_000 };
const line = { received: traffic, sent: traffic, lost: 2, jitter: 1.5, dropped: {}, one_way: false };
const opened = {
  id: '3f2a8c51d0e94b77',
  isOver: false,
  detail: {
    call: {
      id: '3f2a8c51d0e94b77',
      state: 'connected',
      caller: 'alice@pbx.test',
      callee: 'bob',
      dialled: '600',
      startedAt: at - 41_000,
      answeredAt: at - 34_000,
    },
    media: [
      {
        ...line,
        leg: 'a',
        encryption: 'AES_CM_128_HMAC_SHA1_80',
        round_trip: 41.2,
        mos: 4.31,
        dropped: { foreign: 7 },
      },
      { ...line, leg: 'b', encryption: 'none', round_trip: null, mos: 3.4 },
    ],
  },
  ladder: Array.from({ length: 30 }, (_, index) => `      0.00${index}      |  INVITE sip:bob@pbx.test +SDP      |`),
};

/** So many that answer, and one more that does not. */
function ofProcesses(count: number): Sample {
  const at = (whole: OverviewAnswer): OverviewAnswer => {
    const message = `not running: nobody answers at var/admin-${count + 1}.sock`;
    const absent = err({ kind: 'not-running', code: 'not-running', message, errors: [] } as const);
    const parts = Array.from({ length: count }, (_, index) => ok({ ...whole, node: `edge1-${index + 1}` }));
    const merged = mergedOverview([...parts, absent], { ...usualCallQuery, limit: 3 });
    if (!merged.ok) throw new Error(merged.error.message);
    return merged.value;
  };
  return sampleOf(at(earlier()), at(overviewOf()));
}

describe('a screen of 80 columns and 24 lines', () => {
  test('has the calls', async () => {
    await expect(textOf(initialState(), dataOf())).toMatchFileSnapshot(golden('calls'));
  });

  test('has the calls with colours', async () => {
    await expect(textOf(initialState(), dataOf(), undefined, true)).toMatchFileSnapshot(golden('calls-colour'));
  });

  test('has the trunks', async () => {
    await expect(textOf(initialState({ view: 'trunks' }), dataOf())).toMatchFileSnapshot(golden('trunks'));
  });

  test('has the phones', async () => {
    const registrations = [
      {
        aor: 'bob@pbx.test',
        contact: 'sip:bob@198.51.100.7:5061;transport=tls',
        listener: 'phones',
        expiresAt: at + 500_000,
        alive: false,
      },
      {
        aor: 'alice@pbx.test',
        contact: 'sip:alice@192.0.2.9:40112',
        listener: 'phones',
        expiresAt: at + 90_000,
        alive: true,
        userAgent: 'Linphone/5.2',
      },
    ];
    const phones = { matching: 2, registrations };
    await expect(textOf(initialState({ view: 'phones' }), dataOf({ phones }))).toMatchFileSnapshot(golden('phones'));
    const state = { ...initialState({ view: 'phones' }), offset: 500 };
    expect(textOf(state, dataOf({ phones: { matching: 20_000, registrations } }))).toContain(
      '[3 phones 501-502 of 20000]',
    );
    expect(textOf(state, dataOf({ phones: { matching: 300, registrations: [] } }))).toContain('[3 phones none of 300]');
  });

  test('has the bans', async () => {
    const bans = [{ source: '203.0.113.9', reason: 'scanner', until: at + 600_000, times: 2 }];
    await expect(textOf(initialState({ view: 'bans' }), dataOf({ bans }))).toMatchFileSnapshot(golden('bans'));
  });

  test('has the refusals, the most frequent first', async () => {
    await expect(textOf(initialState({ view: 'refusals' }), dataOf())).toMatchFileSnapshot(golden('refusals'));
  });

  test('has one call with its media and the beginning of its ladder', async () => {
    const state = { ...initialState(), mode: { kind: 'call', id: opened.id, label: '', scroll: 0 } } as const;
    await expect(textOf(state, dataOf({ opened }))).toMatchFileSnapshot(golden('call'));
  });

  test('asks before a call is ended', async () => {
    const state = { ...initialState(), confirm: { call: 'x', label: 'alice@pbx.test -> bob' } };
    await expect(textOf(state, dataOf())).toMatchFileSnapshot(golden('confirm'));
  });

  test('has the help', async () => {
    await expect(textOf({ ...initialState(), mode: { kind: 'help' } }, dataOf())).toMatchFileSnapshot(golden('help'));
  });

  test('has a line for each of several processes, and says which does not answer', async () => {
    await expect(textOf(initialState(), dataOf({ sample: ofProcesses(2) }))).toMatchFileSnapshot(golden('processes'));
  });

  test('has one line for many processes, and one for each that does not answer', () => {
    const lines = textOf(initialState(), dataOf({ sample: ofProcesses(12) })).split('\n');
    expect(lines.filter((text) => text.startsWith(' cpu'))).toEqual([
      ' cpu     main 144%  workers 408%  of 12 processes',
      ' cpu 13  no answer: not running: nobody answers at var/admin-13.sock',
    ]);
  });

  test('says that nobody answers, and keeps what was known', async () => {
    const failure = 'not running: nobody answers at var/admin.sock';
    await expect(textOf(initialState(), dataOf({ failure }))).toMatchFileSnapshot(golden('failure'));
  });
});

describe('any screen', () => {
  test.each([
    [40, 10],
    [80, 24],
    [132, 43],
    [200, 5],
    [20, 3],
    [1, 1],
  ])('of %i columns and %i lines is filled and not exceeded', (columns, rows) => {
    const modes = [
      initialState(),
      initialState({ view: 'trunks' }),
      { ...initialState(), mode: { kind: 'help' } } as const,
    ];
    for (const state of modes) {
      const lines = textOf(state, dataOf({ opened }), { columns, rows }).split('\n').slice(0, -1);
      expect(lines).toHaveLength(rows);
      for (const one of lines) expect(widthOf(one)).toBeLessThanOrEqual(columns);
    }
  });

  test('obeys nothing that a peer sent', () => {
    expect(textOf(initialState(), dataOf())).not.toContain('\u001b');
    expect(textOf(initialState(), dataOf(), { columns: 200, rows: 30 })).toContain('\\u001b[31m');
  });

  test('of a wide terminal has the columns that a narrow one has no room for', () => {
    expect(textOf(initialState(), dataOf())).not.toContain('77aa8c51d0e94b01');
    expect(textOf(initialState(), dataOf(), { columns: 160, rows: 24 })).toContain('77aa8c51d0e94b01');
  });

  test('shows the page that the marked row is on', () => {
    const list = Array.from({ length: 100 }, (_, index) => ({
      id: `call${index}`,
      state: 'connected',
      caller: `user${index}@pbx.test`,
      dialled: '600',
      startedAt: at,
    }));
    const data = dataOf({ sample: sampleOf(undefined, overviewOf({ list, matching: 100 })) });
    const text = textOf({ ...initialState(), selected: 'call57' }, data);
    expect(text).toMatch(/^> .*user57@/m);
    expect(text).not.toContain('user3@');
  });

  test('scrolls an opened call as far as it goes', () => {
    const state = { ...initialState(), mode: { kind: 'call', id: opened.id, label: '', scroll: 1_000 } } as const;
    expect(textOf(state, dataOf({ opened }))).toContain('0.0029');
  });
});

test('the head says how many calls of other nodes are relayed here, and the drops of a worker', () => {
  const now = overviewOf();
  expect(textOf(initialState(), dataOf(), { columns: 120, rows: 24 })).not.toMatch(/relayed|drops/);
  const workers = now.workers.map((worker) => ({ ...worker, dropped: worker.dropped + 40 }));
  const sample = sampleOf(earlier(), { ...now, relayed: 2, workers });
  const text = textOf(initialState(), dataOf({ sample }), { columns: 120, rows: 24 });
  expect(text).toContain('relayed 2');
  expect(text).toMatch(/^ cpu .* #0 .* 2 calls drops 40\/s {2}#1 lost/m);
});

test('a report has every row, whatever a screen would hold', () => {
  const lines = reportOf(initialState(), dataOf(), 140).map((one) => painted(one, false));
  expect(lines.filter((one) => /connected|one way|ringing/.test(one))).toHaveLength(3);
});

test('large numbers are short', () => {
  expect([0, 9_999, 12_345, 4_560_000, 1.2e9, 3e12].map((value) => formatCount(value))).toEqual([
    '0',
    '9999',
    '12.3k',
    '4.6M',
    '1.2G',
    '3.0T',
  ]);
});
