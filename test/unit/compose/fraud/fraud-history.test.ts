import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fraudHistory } from '../../../../src/compose/fraud/fraud-history.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { CallRecordFile } from '../../../../src/store/sqlite/call-record-file.ts';
import { scenarioConfig } from '../../../support/scenario-config.ts';

const hour = 3_600_000;
const now = Date.UTC(2026, 2, 3, 12);
const tables = (mode: string, more = ''): string =>
  `[numbers]\ncountry = "GB"\n[fraud]\nmode = "${mode}"\n[[fraud.rule]]\nname = "watch"\nkind = "foreign-calls"\nact = 3\nwindow = "2h"\n${more}`;

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pc-history-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'cdr.db');
}

function historyOf(path: string, text = tables('active')): ReturnType<typeof fraudHistory> {
  const config = scenarioConfig({ tables: text });
  return fraudHistory({ config, configFile: 'scenario.toml', file: path, now, logger: silentLogger });
}

function keep(path: string, begins: readonly number[]): void {
  const records = CallRecordFile.open(path);
  const rows = begins.map((startedAt, index) => {
    const call = `call-${index}`;
    const [caller, dialled, verdict] = ['user:alice@pbx.test', '+33142685300', 'admitted'] as const;
    const times = { started: new Date(startedAt).toISOString(), ended: new Date(startedAt + 60_000).toISOString() };
    const line = JSON.stringify({ call, caller, ...times, duration: 50, canonical: dialled });
    const parties = { caller, payer: undefined, callee: undefined, number: dialled, dialled };
    return { call, startedAt, endedAt: startedAt + 60_000, ...parties, verdict, decidedBy: undefined, line };
  });
  records.add(rows, { keepFor: 1e12, keepRows: 1_000 }, now);
  records.close();
}

test('the past of the longest window is read, in the order of time', () => {
  const path = file();
  keep(path, [now - hour, now - 1.5 * hour, now - 400 * hour]);
  const events = historyOf(path);
  expect(events.map(({ type, at }) => [type, at])).toEqual([
    ['attempted', now - 1.5 * hour],
    ['ended', now - 1.5 * hour + 60_000],
    ['attempted', now - hour],
    ['ended', now - hour + 60_000],
  ]);
  expect(events[0]).toMatchObject({ call: { subject: 'user:alice@pbx.test', country: 'FR' } });
});

test('there is none without records, without the database, and without fraud detection', () => {
  const path = file();
  expect(historyOf(path)).toEqual([]);
  keep(path, [now - hour]);
  expect(historyOf(path, tables('off'))).toEqual([]);
  expect(historyOf(path, tables('active', '[cdr]\ndatabase = false'))).toEqual([]);
  expect(historyOf(path)).toHaveLength(2);
});

test('a file that is none keeps nobody from starting', () => {
  const path = file();
  writeFileSync(path, 'not a database, but long enough to look like a header of one'.repeat(9));
  expect(historyOf(path)).toEqual([]);
});
