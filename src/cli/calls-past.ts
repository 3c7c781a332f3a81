// What `portcullis calls` prints of past calls: a table, CSV or JSON, out of the records.
import { join } from 'node:path';
import * as z from 'zod';
import { parseDuration } from '../config/units.ts';
import type { EpochMillis } from '../core/clock.ts';
import { SbcError } from '../core/errors.ts';
import { callVerdicts, type RecordQuery } from '../store/call-records.ts';
import { withRecordLines } from './call-records.ts';
import { type CommandContext, type ExitCode, exitCodes, UsageError } from './command.ts';
import { type LoadedConfig, loadConfigFile, stateDirectories } from './config-file.ts';
import { csvLine } from './csv.ts';
import { formatElapsed } from './output.ts';
import { formatTable } from './table.ts';
import { parseUserAddress } from './user/user-access.ts';

export const recordOptions = {
  since: {
    type: 'string',
    value: 'TIME',
    about: 'calls that began since then: 24h, 7d, 2026-01-05 or 2026-01-05T10:00',
  },
  until: { type: 'string', value: 'TIME', about: 'calls that began until then' },
  user: {
    type: 'string',
    value: 'NAME',
    about: 'who called, paid or was called: alice, alice@pbx.test, trunk:NAME, pbx:NAME',
  },
  number: { type: 'string', value: 'NUMBER', about: 'the canonical number, or its beginning and "*"' },
  verdict: { type: 'string', value: 'VERDICT', about: 'admitted or refused' },
  limit: { type: 'string', value: 'COUNT', about: 'how many at most (1000 when not given)' },
  format: { type: 'string', value: 'FORMAT', about: 'table, csv or json' },
} as const;

type RecordOption = keyof typeof recordOptions;
type RecordValues = { readonly [Name in RecordOption]?: string | undefined } & {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
};

const usualLimit = 1_000;
const highestLimit = 10_000_000;
const formats = ['table', 'csv', 'json'] as const;

/** What is shown of a record; readers ignore what they do not know (docs/cdr.md). */
const shown = z.object({
  call: z.string(),
  half_of: z.string().nullish(),
  caller: z.string(),
  payer: z.string(),
  callee: z.string().nullable(),
  dialled: z.string(),
  canonical: z.string().nullable(),
  started: z.string(),
  answered: z.string().nullable(),
  ended: z.string(),
  duration: z.number(),
  verdict: z.string(),
  decided_by: z.string().nullable(),
  refusal: z.object({ code: z.string() }).nullable(),
  cause: z.string(),
  status: z.number(),
  media: z.array(
    z.object({
      leg: z.string(),
      encryption: z.string(),
      mos: z.number().nullable(),
      lost: z.number(),
      one_way: z.boolean().default(false),
    }),
  ),
});
type Shown = z.output<typeof shown>;

export function wantsRecords(values: RecordValues): boolean {
  return ['since', 'until', 'user', 'number', 'verdict', 'limit', 'format'].some((name) => name in values);
}

/** Throws UsageError, or SbcError `no-records`. */
export function printRecords(values: RecordValues, context: CommandContext): ExitCode {
  const format = oneOf('format', values.format, formats) ?? (values.json ? 'json' : 'table');
  const loaded = loadConfigFile(values.config, context);
  const query = queryOf(values, loaded, context.clock.wall());
  const directories = stateDirectories(loaded).map((state) => join(state, 'cdr'));
  // One more than is shown tells whether there are more.
  const asked = { ...query, limit: query.limit + 1, halves: format !== 'table' };
  const isPrinted = withRecordLines(directories, asked, (found) => {
    let left = query.limit;
    const lines = withinLimit(found, () => {
      left -= 1;
      return left >= 0;
    });
    print[format](lines, context);
    if (left < 0) context.terminal.error(`only the last ${query.limit} are shown: --limit takes more\n`);
    return true;
  });
  if (isPrinted !== undefined) return exitCodes.ok;
  const where = directories.join(', ');
  const message = `there is no database of call records in ${where}: none was written yet, or cdr.database is off`;
  throw new SbcError('no-records', message, { directory: where });
}

function* withinLimit(lines: Iterable<string>, mayShow: () => boolean): Generator<string> {
  for (const line of lines) {
    if (!mayShow()) return;
    yield line;
  }
}

const print: Readonly<Record<(typeof formats)[number], (lines: Iterable<string>, context: CommandContext) => void>> = {
  table(lines, { terminal }) {
    const rows = Array.from(lines, (line) => {
      const { call, started, caller, callee, canonical, dialled, duration, verdict, decided_by, cause, media } =
        recordOf(line);
      const length = formatElapsed(duration * 1_000);
      const sound = soundOf(media);
      const decision = [verdict, decided_by ?? '-', cause];
      return [started, call, caller, callee ?? '-', canonical ?? dialled, length, sound, ...decision];
    });
    terminal.out(formatTable(tableTitles, rows));
  },
  csv(lines, { terminal }) {
    terminal.out(csvLine(Object.keys(csvColumns)));
    for (const line of lines) {
      const record = recordOf(line);
      terminal.out(csvLine(Object.values(csvColumns).map((column) => column(record))));
    }
  },
  json(lines, { terminal }) {
    terminal.out('{"calls": [');
    let before = '\n';
    for (const line of lines) {
      terminal.out(`${before}${line}`);
      before = ',\n';
    }
    terminal.out('\n]}\n');
  },
};

const tableTitles = ['STARTED', 'CALL', 'CALLER', 'CALLEE', 'NUMBER', 'LASTED', 'MOS', 'VERDICT', 'BY', 'CAUSE'];

/** Of its worse side. */
function soundOf(media: Shown['media']): string {
  if (media.some((one) => one.one_way)) return 'one way';
  const scores = media.flatMap(({ mos }) => mos ?? []);
  return scores.length === 0 ? '-' : Math.min(...scores).toFixed(2);
}

/** Columns as they are named in docs/cdr.md; of several media lines of a leg the first. */
const csvColumns: Readonly<Record<string, (record: Shown) => string>> = {
  call: ({ call }) => call,
  started: ({ started }) => started,
  answered: ({ answered }) => answered ?? '',
  ended: ({ ended }) => ended,
  duration: ({ duration }) => String(duration),
  caller: ({ caller }) => caller,
  payer: ({ payer }) => payer,
  callee: ({ callee }) => callee ?? '',
  dialled: ({ dialled }) => dialled,
  canonical: ({ canonical }) => canonical ?? '',
  verdict: ({ verdict }) => verdict,
  decided_by: ({ decided_by }) => decided_by ?? '',
  refusal: ({ refusal }) => refusal?.code ?? '',
  cause: ({ cause }) => cause,
  status: ({ status }) => String(status),
  encryption_a: (record) => mediaOf(record, 'a')?.encryption ?? '',
  encryption_b: (record) => mediaOf(record, 'b')?.encryption ?? '',
  mos_a: (record) => String(mediaOf(record, 'a')?.mos ?? ''),
  mos_b: (record) => String(mediaOf(record, 'b')?.mos ?? ''),
  lost_a: (record) => String(mediaOf(record, 'a')?.lost ?? ''),
  lost_b: (record) => String(mediaOf(record, 'b')?.lost ?? ''),
  half_of: ({ half_of: half }) => half ?? '',
};

function mediaOf({ media }: Shown, leg: string): Shown['media'][number] | undefined {
  return media.find((one) => one.leg === leg);
}

function recordOf(line: string): Shown {
  return shown.parse(JSON.parse(line));
}

function queryOf(values: RecordValues, loaded: LoadedConfig, now: EpochMillis): RecordQuery {
  const limit = Number(values.limit ?? usualLimit);
  if (!Number.isInteger(limit) || limit < 1 || limit > highestLimit) {
    throw new UsageError(`--limit: expected a number from 1 to ${highestLimit}, got "${values.limit}"`);
  }
  return {
    since: timeOf('since', values.since, now),
    until: timeOf('until', values.until, now),
    party: values.user === undefined ? undefined : partyOf(values.user, loaded),
    number: values.number,
    verdict: oneOf('verdict', values.verdict, callVerdicts),
    limit,
  };
}

/** `24h` is so long ago; else a date or a time, in this machine's zone where it names none. */
function timeOf(option: string, given: string | undefined, now: EpochMillis): EpochMillis | undefined {
  if (given === undefined) return undefined;
  const back = parseDuration(given);
  if (back !== undefined) return now - back;
  const time = /^\d{4}-\d\d-\d\d/.test(given) ? Date.parse(given) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new UsageError(`--${option}: expected a time such as 24h, 2026-01-05 or 2026-01-05T10:00, got "${given}"`);
}

function partyOf(given: string, loaded: LoadedConfig): string {
  if (/^(trunk|pbx|user):./.test(given)) return given;
  return `user:${parseUserAddress(given, loaded).aor}`;
}

function oneOf<T extends string>(option: string, given: string | undefined, known: readonly T[]): T | undefined {
  const found = known.find((one) => one === given);
  if (given === undefined || found !== undefined) return found;
  throw new UsageError(`--${option}: expected one of ${known.join(', ')}, got "${given}"`);
}
