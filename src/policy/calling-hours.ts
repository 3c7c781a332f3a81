// When calls may be made: hours of the week and holidays, in the local time of a zone. Pure: what time it is there is a fact
// that comes in.

/** A moment as a clock on the wall of that zone shows it. */
export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** Of the day: 0 to 1439. */
  readonly minute: number;
}

export interface OpenSpan {
  readonly weekday: number;
  /** Minutes of the day; `to` is not in it any more, and 1440 is midnight. */
  readonly from: number;
  readonly to: number;
}

export interface CallingHours {
  readonly name: string;
  readonly zone: string;
  readonly open: readonly OpenSpan[];
  /** `2026-12-25`, or `12-25` for every year: closed all day. */
  readonly holidays: ReadonlySet<string>;
}

export function isOpen({ open, holidays }: CallingHours, at: LocalTime): boolean {
  const day = dayOf(at);
  if (holidays.has(day) || holidays.has(day.slice(5))) return false;
  return open.some(({ weekday, from, to }) => weekday === at.weekday && at.minute >= from && at.minute < to);
}

/** `2026-12-24`. */
export function dayOf({ year, month, day }: LocalTime): string {
  return `${monthOf({ year, month })}-${twoDigits(day)}`;
}

/** `2026-12`. */
export function monthOf({ year, month }: Pick<LocalTime, 'year' | 'month'>): string {
  return `${year}-${twoDigits(month)}`;
}

/** `thu 23:00`. */
export function timeText({ weekday, minute }: LocalTime): string {
  return `${weekdays[weekday] ?? '?'} ${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`;
}

export const weekdays: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** `mon-fri 08:00-18:00`, `sat 09:00-12:00`, `fri-mon 22:00-06:00` (into the next day). Undefined when it is none of these. */
export function parseOpenSpans(text: string): readonly OpenSpan[] | undefined {
  const found = /^([a-z]{3})(?:-([a-z]{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text);
  if (found === null) return undefined;
  const [, first = '', last = first, ...clock] = found;
  const [begin, end] = [weekdays.indexOf(first), weekdays.indexOf(last)];
  const [hour = 0, minute = 0, toHour = 0, toMinute = 0] = clock.map(Number);
  const [from, to] = [hour * 60 + minute, toHour * 60 + toMinute];
  if (begin < 0 || end < 0 || minute > 59 || toMinute > 59 || from >= 1440 || to > 1440 || from === to)
    return undefined;
  const spans: OpenSpan[] = [];
  for (let day = begin; ; day = (day + 1) % 7) {
    if (from < to) spans.push({ weekday: day, from, to });
    else spans.push({ weekday: day, from, to: 1440 }, { weekday: (day + 1) % 7, from: 0, to });
    if (day === end) return spans.filter((span) => span.from < span.to);
  }
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
