// When calls may be made: hours of the week and holidays, in the local time of a zone. Pure: what time it is there is a fact
// that comes in.
import { type OpenSpan, weekdays } from '../core/weekly-hours.ts';

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

export interface CallingHours {
  readonly name: string;
  readonly zone: string;
  readonly open: readonly OpenSpan[];
  /** `2026-12-25`, or `12-25` for every year: closed all day. */
  readonly holidays: ReadonlySet<string>;
}

/** Holds only while these hours are open, or closed. */
export interface HoursCondition {
  readonly schedule: CallingHours;
  readonly when: 'open' | 'closed';
}

/** What time it is in a zone, at the moment of a call. */
export type LocalTimeIn = (zone: string) => LocalTime;

export function holds({ schedule, when }: HoursCondition, at: LocalTime): boolean {
  return isOpen(schedule, at) === (when === 'open');
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

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
