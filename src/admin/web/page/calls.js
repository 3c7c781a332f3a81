// Calls that run, and those that were over last.
import { read } from './api.js';
import { element, setText, Table } from './dom.js';
import { elapsed, moment, percent, score } from './format.js';

/** @import { Call, Glance, Overview, RecentCall, View } from './shape.js' */
/** @import { Cell } from './dom.js' */

/**
 * @param {Glance} glance
 * @returns {View}
 */
export function callsView(glance) {
  const filter = element('input', { id: 'filter', type: 'search', maxlength: 64, placeholder: 'alice, ringing, …' });
  const order = element(
    'select',
    { id: 'order' },
    [
      ['started', 'newest'],
      ['mos', 'worst quality'],
      ['loss', 'most loss'],
      ['caller', 'caller'],
      ['callee', 'callee'],
      ['state', 'state'],
    ].map(([value = '', text]) => element('option', { value }, text)),
  );
  const heading = element('h2', {}, 'Running');
  const running = new Table(
    'Calls that run',
    [
      { title: 'Caller', kind: 'long' },
      { title: 'Dialled', kind: 'long' },
      { title: 'Callee', kind: 'long' },
      { title: 'State' },
      { title: 'Time', kind: 'number' },
      { title: 'MOS', kind: 'number' },
      { title: 'Loss', kind: 'number' },
      { title: 'Jitter', kind: 'number' },
      { title: 'Media' },
      { title: 'Call', kind: 'mono' },
    ],
    'No call runs.',
  );
  const recent = new Table(
    'Calls that are over',
    [
      { title: 'Ended' },
      { title: 'Caller', kind: 'long' },
      { title: 'Dialled', kind: 'long' },
      { title: 'Callee', kind: 'long' },
      { title: 'Outcome' },
      { title: 'Duration', kind: 'number' },
      { title: 'MOS', kind: 'number' },
      { title: 'Call', kind: 'mono' },
    ],
    'No call was placed since the start.',
  );
  filter.addEventListener('input', () => void refresh());
  order.addEventListener('change', () => void refresh());

  async function refresh() {
    /** @type {[Overview, { calls: RecentCall[] }]} */
    const [now, past] = await Promise.all([
      read('/api/overview', { limit: 200, match: filter.value, order: order.value }),
      read('/api/recent'),
    ]);
    glance(now);
    setText(
      heading,
      now.matching > now.list.length
        ? `Running: the first ${now.list.length} of ${now.matching}`
        : `Running: ${now.matching}`,
    );
    running.show(now.list.map((call) => ({ key: call.id, cells: callCells(call) })));
    const wanted = filter.value.toLowerCase();
    const found = past.calls.filter(({ id, caller, callee = '', dialled }) =>
      `${id} ${caller} ${callee} ${dialled}`.toLowerCase().includes(wanted),
    );
    recent.show(found.map((call) => ({ key: call.id, cells: recentCells(call) })));
  }

  const root = element(
    'div',
    { class: 'view' },
    element(
      'div',
      { class: 'head' },
      element('h1', {}, 'Calls'),
      element(
        'div',
        { class: 'push' },
        element('label', { for: 'filter' }, 'Find'),
        filter,
        element('label', { for: 'order' }, 'Order'),
        order,
      ),
    ),
    element('section', { class: 'card' }, element('div', { class: 'head' }, heading), running.root),
    element('section', { class: 'card' }, element('div', { class: 'head' }, element('h2', {}, 'Over')), recent.root),
  );
  return { title: 'Calls', root, refresh };
}

/** @param {Call} call @returns {Cell[]} */
function callCells({ id, state, caller, dialled, callee = '–', startedAt, answeredAt, quality }) {
  const none = { text: '–', tone: 'quiet' };
  return [
    { text: caller, href: `#/call/${encodeURIComponent(id)}` },
    { text: dialled },
    { text: callee },
    { text: state, tone: answeredAt === undefined ? 'warn' : 'good' },
    { text: elapsed(Date.now() - (answeredAt ?? startedAt)) },
    score(quality?.mos),
    quality === undefined ? none : { text: percent(quality.loss, 1), tone: quality.loss > 0.02 ? 'bad' : '' },
    quality === undefined ? none : { text: `${quality.jitter.toFixed(1)} ms` },
    quality === undefined
      ? none
      : quality.oneWay
        ? { text: 'one way', tone: 'bad' }
        : { text: quality.encryption.map(shortSuite).join(' | '), title: quality.encryption.join(' | ') },
    { text: id },
  ];
}

/** @param {string} encryption */
function shortSuite(encryption) {
  return encryption === 'none' ? 'plain' : encryption.startsWith('DTLS') ? 'DTLS-SRTP' : 'SRTP';
}

/** @param {RecentCall} call @returns {Cell[]} */
function recentCells({ id, caller, callee = '–', dialled, endedAt, duration, cause, status, refusal, mos }) {
  return [
    { text: moment(endedAt) },
    { text: caller, href: `#/call/${encodeURIComponent(id)}` },
    { text: dialled },
    { text: callee },
    refusal === undefined
      ? { text: status >= 300 ? `${cause} (${status})` : cause, tone: status >= 300 ? 'warn' : '' }
      : { text: refusal, tone: 'bad' },
    { text: duration === 0 ? '–' : elapsed(duration), tone: duration === 0 ? 'quiet' : '' },
    score(mos),
    { text: id },
  ];
}
