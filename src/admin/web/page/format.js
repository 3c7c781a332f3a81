// Numbers and times as people read them.

/** @param {number} millis */
export function elapsed(millis) {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** @param {number} value @param {number} [digits] */
export function count(value, digits = 0) {
  if (value < 10_000) return value.toFixed(digits);
  for (const [unit, size] of /** @type {const} */ ([
    ['k', 1e3],
    ['M', 1e6],
    ['G', 1e9],
  ])) {
    if (value < size * 1_000) return `${(value / size).toFixed(1)} ${unit}`;
  }
  return `${(value / 1e12).toFixed(1)} T`;
}

/** @param {number} share */
export function percent(share, digits = 0) {
  return `${(share * 100).toFixed(digits)} %`;
}

/** @param {number} at */
export function clockTime(at) {
  return new Date(at).toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  });
}

/** Today's without the date. @param {number} at */
export function moment(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? clockTime(at) : `${date.toLocaleDateString()} ${clockTime(at)}`;
}

/**
 * Below 3.1 nearly nobody is content, below 3.6 many are not (ITU-T G.107 annex B).
 * @param {number | null | undefined} mos
 * @returns {{ readonly text: string, readonly tone: string }}
 */
export function score(mos) {
  if (mos === undefined || mos === null) return { text: '–', tone: 'quiet' };
  return { text: mos.toFixed(2), tone: mos < 3.1 ? 'bad' : mos < 3.6 ? 'warn' : 'good' };
}

/**
 * @param {boolean | undefined} answer
 * @param {string} yes
 * @param {string} no
 */
export function said(answer, yes, no) {
  if (answer === undefined) return { text: '–', tone: 'quiet' };
  return answer ? { text: yes, tone: 'good' } : { text: no, tone: 'bad' };
}
