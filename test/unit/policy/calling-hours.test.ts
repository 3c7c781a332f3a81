import { describe, expect, test } from 'vitest';
import { parseOpenSpans } from '../../../src/core/weekly-hours.ts';
import {
  type CallingHours,
  dayOf,
  holds,
  isOpen,
  type LocalTime,
  monthOf,
  timeText,
} from '../../../src/policy/calling-hours.ts';

function hours(open: readonly string[], holidays: readonly string[] = []): CallingHours {
  const spans = open.flatMap((text) => parseOpenSpans(text) ?? []);
  return { name: 'office', zone: 'UTC', open: spans, holidays: new Set(holidays) };
}

/** 2026-03-01 is a Sunday. */
function at(day: number, clock: string, month = 3): LocalTime {
  const date = new Date(Date.UTC(2026, month - 1, day));
  const [hour = 0, minute = 0] = clock.split(':').map(Number);
  return { year: 2026, month, day, weekday: date.getUTCDay(), minute: hour * 60 + minute };
}

describe('hours are open', () => {
  test.each([
    ['at the minute when they begin', ['mon-fri 08:00-18:00'], at(2, '08:00'), true],
    ['not the minute before', ['mon-fri 08:00-18:00'], at(2, '07:59'), false],
    ['until the minute before they end', ['mon-fri 08:00-18:00'], at(6, '17:59'), true],
    ['not when they end', ['mon-fri 08:00-18:00'], at(6, '18:00'), false],
    ['not on other days', ['mon-fri 08:00-18:00'], at(7, '12:00'), false],
    ['until midnight', ['mon 08:00-24:00'], at(2, '23:59'), true],
    ['not after midnight', ['mon 08:00-24:00'], at(3, '00:00'), false],
    ['before midnight of a span over night', ['sat 22:00-02:00'], at(7, '23:00'), true],
    ['after midnight of a span over night, into the next week', ['sat 22:00-02:00'], at(8, '01:59'), true],
    ['not when the span over night is over', ['sat 22:00-02:00'], at(8, '02:00'), false],
    ['not in the morning of the day on which it begins', ['sat 22:00-02:00'], at(7, '01:00'), false],
    ['over the end of the week', ['fri-mon 09:00-10:00'], at(1, '09:30'), true],
    ['not between two spans of a day', ['mon 08:00-12:00', 'mon 13:00-18:00'], at(2, '12:30'), false],
    ['in the second span of a day', ['mon 08:00-12:00', 'mon 13:00-18:00'], at(2, '13:00'), true],
    ['never, where there are none', [], at(2, '12:00'), false],
  ] as const)('%s', (_when, open, time, expected) => {
    expect(isOpen(hours(open), time)).toBe(expected);
  });

  test.each([
    ['a holiday of that year', ['2026-04-03'], at(3, '12:00', 4), false],
    ['a holiday of another year', ['2025-04-03'], at(3, '12:00', 4), true],
    ['a holiday of every year', ['12-25'], at(25, '12:00', 12), false],
    ['the day after', ['12-25'], at(26, '12:00', 12), true],
    ['the morning of a holiday that a night leads into', ['03-03'], at(3, '01:00'), false],
    ['the night of a holiday', ['03-03'], at(3, '23:00'), false],
  ] as const)('not all day on a holiday: %s', (_what, holidays, time, expected) => {
    expect(isOpen(hours(['sun-sat 08:00-18:00', 'sun-sat 22:00-02:00'], holidays), time)).toBe(expected);
  });

  test('or closed, as a condition asks', () => {
    const schedule = hours(['mon 08:00-18:00']);
    expect(holds({ schedule, when: 'open' }, at(2, '09:00'))).toBe(true);
    expect(holds({ schedule, when: 'closed' }, at(2, '09:00'))).toBe(false);
    expect(holds({ schedule, when: 'closed' }, at(3, '09:00'))).toBe(true);
  });
});

test('days, months and times are written with two digits', () => {
  expect([dayOf(at(4, '09:05')), monthOf(at(4, '09:05')), timeText(at(5, '09:05'))]).toEqual([
    '2026-03-04',
    '2026-03',
    'thu 09:05',
  ]);
});
