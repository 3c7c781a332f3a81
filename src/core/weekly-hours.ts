// Hours of the week as people write them: `mon-fri 08:00-18:00`.

export interface OpenSpan {
  readonly weekday: number;
  /** Minutes of the day; `to` is not in it any more, and 1440 is midnight. */
  readonly from: number;
  readonly to: number;
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
