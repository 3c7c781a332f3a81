// At a glance: figures of now, and charts of the last hour or day.
import { read } from './api.js';
import { Chart } from './chart.js';
import { element } from './dom.js';
import { Figures, showFigures } from './figures.js';
import { count, percent } from './format.js';

/** @import { Glance, History, Overview, View } from './shape.js' */

/**
 * @param {Glance} glance
 * @returns {View}
 */
export function overviewView(glance) {
  const figures = new Figures(['Calls', 'New calls', 'Refused', 'Quality', 'Packets', 'CPU', 'Phones', 'Trunks']);
  const whole = (/** @type {number} */ value) => count(value, value < 10 && !Number.isInteger(value) ? 1 : 0);
  const charts = {
    calls: new Chart({ title: 'Calls', format: whole }),
    rates: new Chart({ title: 'Calls a minute', format: whole }),
    mos: new Chart({ title: 'Opinion score (MOS)', format: (value) => value.toFixed(1), least: 1, most: 5 }),
    loss: new Chart({ title: 'Packets lost', format: (value) => percent(value, 1), atLeast: 0.02 }),
    packets: new Chart({ title: 'Packets a second', format: whole }),
    processors: new Chart({ title: 'Processors in use', format: (value) => value.toFixed(2) }),
  };
  /** @type {'hour' | 'day'} */
  let span = 'hour';
  /** @type {Overview | undefined} */
  let before;
  let askedAt = 0;
  const spans = toggle(
    [
      ['hour', 'Hour'],
      ['day', 'Day'],
    ],
    span,
    (chosen) => {
      span = chosen;
      askedAt = 0;
      void refresh();
    },
  );

  async function refresh() {
    /** @type {Overview} */
    const now = await read('/api/overview', { limit: 0 });
    glance(now);
    showFigures(figures, before, now);
    before = now;
    // It has a new value every ten seconds.
    if (Date.now() - askedAt < 10_000) return;
    askedAt = Date.now();
    /** @type {History} */
    const history = await read('/api/history', { span });
    const of = (/** @type {string} */ column) => history.columns[column] ?? [];
    charts.calls.show([{ name: 'running', values: of('calls') }], history.step, history.endsAt);
    charts.rates.show(
      [
        { name: 'new', values: of('begun') },
        { name: 'refused', values: of('refused') },
      ],
      history.step,
      history.endsAt,
    );
    charts.mos.show([{ name: 'mean', values: of('mos') }], history.step, history.endsAt);
    charts.loss.show([{ name: 'mean', values: of('loss') }], history.step, history.endsAt);
    charts.packets.show(
      [
        { name: 'in', values: of('packets') },
        { name: 'not relayed', values: of('dropped') },
      ],
      history.step,
      history.endsAt,
    );
    charts.processors.show([{ name: 'all threads', values: of('processors') }], history.step, history.endsAt);
  }

  const root = element(
    'div',
    { class: 'view' },
    element('h1', { class: 'visually-hidden' }, 'Overview'),
    figures.root,
    element('div', { class: 'head' }, element('h2', {}, 'Over time'), element('div', { class: 'push' }, spans)),
    element(
      'div',
      { class: 'charts' },
      Object.values(charts).map((chart) => chart.root),
    ),
  );
  return { title: 'Overview', root, refresh };
}

/**
 * @template {string} T
 * @param {readonly (readonly [T, string])[]} choices
 * @param {T} chosen
 * @param {(choice: T) => void} onChosen
 */
function toggle(choices, chosen, onChosen) {
  const buttons = choices.map(([choice, text]) => {
    const button = element('button', { type: 'button', 'aria-pressed': choice === chosen ? 'true' : 'false' }, text);
    button.addEventListener('click', () => {
      for (const one of buttons) one.setAttribute('aria-pressed', one === button ? 'true' : 'false');
      onChosen(choice);
    });
    return button;
  });
  return element('div', { class: 'toggle', role: 'group', 'aria-label': 'Time span' }, buttons);
}
