// The figures of now: each with what it is out of.
import { element, setText } from './dom.js';
import { count, percent, score } from './format.js';
import { countedParts, isLaterLook } from './looks.js';

/** @import { Counted, Overview } from './shape.js' */

export class Figures {
  /** @type {Map<string, { value: HTMLElement, more: HTMLElement }>} */
  #figures = new Map();

  /** @param {readonly string[]} names */
  constructor(names) {
    const cards = names.map((name) => {
      const figure = { value: element('dd', {}, '–'), more: element('dd', { class: 'more' }, '\u00a0') };
      this.#figures.set(name, figure);
      return element('div', { class: 'card figure' }, element('dt', {}, name), figure.value, figure.more);
    });
    this.root = element('dl', { class: 'cards' }, cards);
  }

  /** @param {string} name @param {string} value @param {string} more @param {string} [tone] */
  show(name, value, more, tone = '') {
    const figure = this.#figures.get(name);
    if (figure === undefined) return;
    setText(figure.value, value);
    figure.value.className = tone;
    setText(figure.more, more === '' ? '\u00a0' : more);
  }
}

/**
 * @param {Figures} figures
 * @param {Overview | undefined} before
 * @param {Overview} now
 */
export function showFigures(figures, before, now) {
  const { calls, quality, trunks } = now;
  // Of each process what it did since the last look at it: one that was started again, or did not answer, is no burst.
  const pairs = countedParts(now).flatMap((part) => {
    const past = before && countedParts(before).find((one) => isLaterLook(one, part));
    return past === undefined ? [] : [{ past, part }];
  });
  const each = (/** @type {(part: Counted) => number} */ of, unit = 1_000) =>
    pairs.length === 0
      ? undefined
      : pairs.reduce((sum, { past, part }) => sum + (Math.max(0, of(part) - of(past)) / (part.at - past.at)) * unit, 0);
  const shown = (/** @type {number | undefined} */ value, digits = 0) =>
    value === undefined ? '–' : count(value, digits);
  const begun = (/** @type {Counted} */ { calls: { active, answered, unanswered, refused } }) =>
    active + answered + unanswered + refused;
  const ran = (/** @type {Counted} */ one) =>
    (one.process.ran ?? 0) + one.workers.reduce((sum, worker) => sum + (worker.ran ?? 0), 0);
  const drops = (/** @type {Counted} */ one) =>
    Object.values(one.media.dropped).reduce((sum, packets) => sum + packets, 0);
  const refusedNow = each((one) => one.calls.refused, 60_000);
  figures.show('Calls', String(calls.active), `${count(calls.answered)} answered so far`);
  figures.show('New calls', shown(each(begun), 1), 'a second');
  figures.show(
    'Refused',
    shown(refusedNow),
    `a minute, ${count(calls.refused)} so far`,
    (refusedNow ?? 0) > 0 ? 'warn' : '',
  );
  const mean = score(quality?.mos);
  figures.show(
    'Quality',
    mean.text,
    quality === undefined ? 'no media now' : `MOS, worst ${quality.worst.toFixed(2)}, loss ${percent(quality.loss, 1)}`,
    mean.tone,
  );
  figures.show(
    'Packets',
    shown(each((one) => one.media.received.packets)),
    `a second in, ${shown(each(drops))} not relayed`,
  );
  const share = each(ran, 1);
  figures.show('CPU', share === undefined ? '–' : percent(share), `of a core, lag ${now.process.lag.toFixed(0)} ms`);
  figures.show('Phones', String(now.registrations), `${count(now.process.residentBytes)}B memory`);
  const up = trunks.filter(({ up: answers, registered }) => answers !== false && registered !== false).length;
  figures.show(
    'Trunks',
    trunks.length === 0 ? '–' : `${up}/${trunks.length}`,
    trunks.length === 0 ? 'none' : up < trunks.length ? 'not all are up' : 'up',
    up < trunks.length ? 'bad' : '',
  );
}
