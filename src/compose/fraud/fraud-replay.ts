// What the rules of fraud detection would have found in past call records (docs/cdr.md). Registrations are not in them, so rules about
// these find nothing here.
import type { Config } from '../../config/schema.ts';
import { SbcError } from '../../core/errors.ts';
import { isOpen } from '../../policy/calling-hours.ts';
import { FraudEngine } from '../../policy/fraud/fraud-engine.ts';
import type { FraudCall, FraudEvent, FraudFinding } from '../../policy/fraud/fraud-event.ts';
import type { SiteNumbers } from '../../policy/site-numbers.ts';
import { siteNumbers } from '../site/site-numbers.ts';
import { ZoneClock } from '../site/zone-clock.ts';
import { isTellingRefusal } from './fraud-guard.ts';
import { type FraudSettings, fraudSettings } from './fraud-settings.ts';

export interface FraudReplay {
  readonly records: number;
  /** Lines that are no record. */
  readonly skipped: number;
  readonly findings: readonly FraudFinding[];
}

/** Records that are replayed at once. */
export const maxReplayed = 5_000_000;

/** Rejects with SbcError `fraud-file` or `replay-too-long`. */
export async function replayFraud(
  { config, configFile }: { readonly config: Config; readonly configFile: string },
  lines: AsyncIterable<string>,
): Promise<FraudReplay> {
  const { fraud } = config;
  const settings = fraudSettings({ ...config, fraud: { ...fraud, mode: 'active' } }, configFile);
  if (settings === undefined) return { records: 0, skipped: 0, findings: [] };
  const reader = new RecordReader(settings, siteNumbers(config));
  const events: FraudEvent[] = [];
  let [records, skipped] = [0, 0];
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const read = reader.read(line);
    if (read === undefined) skipped += 1;
    else records += 1;
    if (records > maxReplayed) throw new SbcError('replay-too-long', `more than ${maxReplayed} records`);
    if (read !== undefined) events.push(...read);
  }
  const engine = new FraudEngine(settings.rules, settings.prices);
  const findings = events
    .toSorted((a, b) => a.at - b.at)
    .flatMap((event) => engine.handle(event))
    .flatMap((output) => (output.type === 'alert' ? [output.finding] : []));
  return { records, skipped, findings };
}

/** What the detection of fraud is told by records of the past, in the order of time. Lines that are none say nothing. */
export function pastEvents(settings: FraudSettings, config: Config, lines: Iterable<string>): readonly FraudEvent[] {
  const reader = new RecordReader(settings, siteNumbers(config));
  const events: FraudEvent[] = [];
  for (const line of lines) events.push(...(reader.read(line) ?? []));
  return events.toSorted((a, b) => a.at - b.at);
}

class RecordReader {
  readonly #settings: FraudSettings;
  readonly #numbers: SiteNumbers;
  readonly #zones = new ZoneClock();

  constructor(settings: FraudSettings, numbers: SiteNumbers) {
    this.#settings = settings;
    this.#numbers = numbers;
  }

  /** The events of a record; undefined where the line is none. */
  read(line: string): readonly FraudEvent[] | undefined {
    const record = objectOf(line);
    const [id, caller, started, ended, duration] = ['call', 'caller', 'started', 'ended', 'duration'].map(
      (key) => record?.[key],
    );
    const [begin, end] = [timeOf(started), timeOf(ended)];
    if (typeof id !== 'string' || typeof caller !== 'string' || typeof duration !== 'number') return undefined;
    if (record === undefined || begin === undefined || end === undefined) return undefined;
    const call = this.#call({ id, subject: payerOf(record['rules']) ?? caller, canonical: record['canonical'], begin });
    const refusal = refusalOf(record['refusal']);
    if (refusal === undefined) {
      return [
        { type: 'attempted', at: begin, call, admitted: true },
        { type: 'ended', at: end, call, duration: duration * 1_000 },
      ];
    }
    return isTellingRefusal(refusal) ? [{ type: 'attempted', at: end, call, admitted: false }] : [];
  }

  #call({ id, subject, canonical, begin }: ReadCall): FraudCall {
    const number = typeof canonical === 'string' ? canonical : '';
    const read = this.#numbers.read(number, undefined, 'pbx');
    const { country, classes } = read.ok ? read.value : { country: undefined, classes: [] };
    const { hours } = this.#settings;
    const isOutOfHours = hours !== undefined && !isOpen(hours, this.#zones.localTime(hours.zone, begin));
    return { id, subject, number, country, classes, isOutOfHours };
  }
}

interface ReadCall {
  readonly id: string;
  readonly subject: string;
  readonly canonical: unknown;
  readonly begin: number;
}

function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function refusalOf(value: unknown): string | undefined {
  return isObject(value) && typeof value['code'] === 'string' ? value['code'] : undefined;
}

/** A forwarded call is its user's: the record says so under the rule `charge`, as `user alice@pbx.test`. */
function payerOf(rules: unknown): string | undefined {
  if (!Array.isArray(rules)) return undefined;
  for (const rule of rules) {
    if (!isObject(rule) || rule['rule'] !== 'charge' || typeof rule['answer'] !== 'string') continue;
    return rule['answer'].replace(' ', ':');
  }
  return undefined;
}
