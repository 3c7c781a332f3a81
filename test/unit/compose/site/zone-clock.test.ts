import { describe, expect, test } from 'vitest';
import { ZoneClock } from '../../../../src/compose/site/zone-clock.ts';
import { dayOf, timeText } from '../../../../src/policy/calling-hours.ts';

function shown(clock: ZoneClock, zone: string, at: string): string {
  const local = clock.localTime(zone, Date.parse(at));
  return `${dayOf(local)} ${timeText(local)}`;
}

describe('the clock of a zone', () => {
  test.each([
    ['Europe/London', '2026-01-05T12:00:00Z', '2026-01-05 mon 12:00'],
    ['Europe/London', '2026-03-29T00:59:59.999Z', '2026-03-29 sun 00:59'],
    ['Europe/London', '2026-03-29T01:00:00Z', '2026-03-29 sun 02:00'],
    ['Europe/London', '2026-10-25T00:59:59Z', '2026-10-25 sun 01:59'],
    ['Europe/London', '2026-10-25T01:00:00Z', '2026-10-25 sun 01:00'],
    ['America/New_York', '2026-03-08T06:59:00Z', '2026-03-08 sun 01:59'],
    ['America/New_York', '2026-03-08T07:00:00Z', '2026-03-08 sun 03:00'],
    ['America/New_York', '2026-01-01T04:59:00Z', '2025-12-31 wed 23:59'],
    ['Australia/Lord_Howe', '2026-04-04T14:59:00Z', '2026-04-05 sun 01:59'],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', '2026-04-05 sun 01:30'],
    ['Asia/Kathmandu', '2026-06-01T18:15:00Z', '2026-06-02 tue 00:00'],
    ['Pacific/Kiritimati', '2026-06-01T10:00:00Z', '2026-06-02 tue 00:00'],
    ['UTC', '2028-02-29T23:59:00Z', '2028-02-29 tue 23:59'],
  ])('in %s at %s shows %s', (zone, at, expected) => {
    expect(shown(new ZoneClock(), zone, at)).toBe(expected);
  });

  test('is right on both sides of a change and of midnight, whichever way time moves and whoever asked before', () => {
    const clock = new ZoneClock();
    const ask = (at: string): string[] => ['Europe/London', 'America/New_York'].map((zone) => shown(clock, zone, at));
    const before = ['2026-03-29 sun 00:59', '2026-03-28 sat 20:59'];
    const after = ['2026-03-29 sun 02:00', '2026-03-28 sat 21:00'];
    expect(ask('2026-03-29T00:59:00Z')).toEqual(before);
    expect(ask('2026-03-29T01:00:00Z')).toEqual(after);
    expect(ask('2026-03-29T00:59:00Z')).toEqual(before);
  });

  test.each(['Europe/Atlantis', 'GMT+25', ''])('is none where there is no such zone: %j', (zone) => {
    expect(() => new ZoneClock().localTime(zone, 0)).toThrow(expect.objectContaining({ code: 'zone-unknown' }));
  });
});
