// Trunks, phones, and the threads that move packets.
import { read } from './api.js';
import { element, setText, Table } from './dom.js';
import { count, elapsed, percent, said } from './format.js';
import { countedParts, isLaterLook } from './looks.js';

/** @import { Counted, Glance, Overview, Part, Registration, View } from './shape.js' */
/** @import { Cell } from './dom.js' */

/**
 * @param {Glance} glance
 * @returns {View}
 */
export function peersView(glance) {
  const trunks = new Table(
    'Trunks',
    [{ title: 'Trunk' }, { title: 'Pings' }, { title: 'Registration' }, { title: 'Calls', kind: 'number' }],
    'There is no trunk.',
  );
  const workers = new Table(
    'Threads',
    [
      { title: 'Thread' },
      { title: 'State' },
      { title: 'Driver' },
      { title: 'Calls', kind: 'number' },
      { title: 'CPU', kind: 'number' },
      { title: 'Packets a second', kind: 'number' },
      { title: 'Not relayed a second', kind: 'number' },
    ],
    'No process answers.',
  );
  const phones = new Table(
    'Phones',
    [
      { title: 'User', kind: 'long' },
      { title: 'Connection' },
      { title: 'Expires in', kind: 'number' },
      { title: 'Contact', kind: 'long' },
      { title: 'User agent', kind: 'long' },
      { title: 'Listener' },
    ],
    'No phone is registered.',
  );
  const filter = element('input', { id: 'filter', type: 'search', maxlength: 64, placeholder: 'alice, Yealink, …' });
  const heading = element('h2', {}, 'Phones');
  /** @type {Overview | undefined} */
  let before;
  /** When phones are asked for again: there may be thousands, and each process looks through all of them. */
  let dueAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  filter.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      dueAt = 0;
      void refresh();
    }, typingPause);
  });

  async function refresh() {
    const match = filter.value;
    /** @type {[Overview, { matching: number, registrations: Registration[] } | undefined]} */
    const [now, found] = await Promise.all([
      read('/api/overview', { limit: 0 }),
      Date.now() < dueAt ? undefined : read('/api/registrations', { match }),
    ]);
    glance(now);
    trunks.show(
      now.trunks.map(({ name, up, registered, calls }) => ({
        key: name,
        cells: [
          { text: name },
          said(up, 'answers', 'does not answer'),
          said(registered, 'registered', 'not registered'),
          { text: String(calls) },
        ],
      })),
    );
    workers.show(threadRows(now, before));
    before = now;
    // What was typed meanwhile is asked for by itself.
    if (found === undefined || match !== filter.value) return;
    dueAt = Date.now() + phonesInterval;
    const { matching, registrations } = found;
    const isCut = matching > registrations.length;
    setText(heading, isCut ? `Phones: the first ${registrations.length} of ${matching}` : `Phones: ${matching}`);
    phones.show(registrations.map((one) => ({ key: `${one.aor} ${one.contact}`, cells: phoneCells(one) })));
  }

  const root = element(
    'div',
    { class: 'view' },
    element('h1', { class: 'visually-hidden' }, 'Peers'),
    element('section', { class: 'card' }, element('div', { class: 'head' }, element('h2', {}, 'Trunks')), trunks.root),
    element(
      'section',
      { class: 'card' },
      element(
        'div',
        { class: 'head' },
        heading,
        element('div', { class: 'push' }, element('label', { for: 'filter' }, 'Find'), filter),
      ),
      phones.root,
    ),
    element(
      'section',
      { class: 'card' },
      element('div', { class: 'head' }, element('h2', {}, 'Threads')),
      workers.root,
    ),
  );
  return { title: 'Peers', root, refresh };
}

const phonesInterval = 10_000;
/** So long nothing was typed before what was is looked for. */
const typingPause = 250;

/**
 * The main thread, which signals, and the media workers of each process.
 * @param {Overview} overview
 * @param {Overview | undefined} before
 */
function threadRows(overview, before) {
  const earlier = before === undefined ? [] : countedParts(before);
  /** @type {Part[]} */
  const parts = overview.processes ?? [{ number: 0, answers: true, ...overview }];
  return parts.flatMap((part) => {
    const prefix = part.number === 0 ? '' : `process ${part.number} `;
    if (!part.answers) return [{ key: prefix, cells: [{ text: prefix }, { text: 'does not answer', tone: 'bad' }] }];
    const last = earlier.find((one) => isLaterLook(one, part));
    const main = [
      { text: `${prefix}main` },
      said(part.state === 'ready', 'running', part.state),
      none,
      { text: String(part.calls.active) },
      shareCell(last, part, (one) => one.process.ran),
      none,
      none,
    ];
    const workers = part.workers.map(({ alive, driver = '–', sessions }, index) => {
      const dropped = each(last, part, (one) => one.workers[index]?.dropped);
      return {
        key: `${prefix}${index}`,
        cells: [
          { text: `${prefix}#${index}` },
          said(alive, 'running', 'lost'),
          { text: driver },
          { text: String(sessions) },
          shareCell(last, part, (one) => one.workers[index]?.ran),
          countCell(each(last, part, (one) => one.workers[index]?.packets)),
          { ...countCell(dropped), tone: (dropped ?? 0) >= 1 ? 'warn' : '' },
        ],
      };
    });
    return [{ key: `${prefix}main`, cells: main }, ...workers];
  });
}

const none = { text: '–', tone: 'quiet' };

/**
 * A second; undefined before the second look, and where it is not told.
 * @param {Counted | undefined} last
 * @param {Counted} now
 * @param {(part: Counted) => number | undefined} of
 */
function each(last, now, of) {
  const [earlier, later] = [last && of(last), of(now)];
  if (last === undefined || earlier === undefined || later === undefined) return undefined;
  return (Math.max(0, later - earlier) / (now.at - last.at)) * 1_000;
}

/** @param {number | undefined} rate @returns {Cell} */
function countCell(rate) {
  return rate === undefined ? none : { text: count(rate) };
}

/**
 * Of one processor.
 * @param {Counted | undefined} last
 * @param {Counted} now
 * @param {(part: Counted) => number | undefined} of
 * @returns {Cell}
 */
function shareCell(last, now, of) {
  const ran = each(last, now, of);
  return ran === undefined ? none : { text: percent(ran / 1_000) };
}

/** @param {Registration} one @returns {Cell[]} */
function phoneCells({ aor, contact, listener, expiresAt, alive, userAgent = '–' }) {
  return [
    { text: aor },
    said(alive, 'open', 'lost'),
    { text: elapsed(expiresAt - Date.now()) },
    { text: contact },
    { text: userAgent },
    { text: listener },
  ];
}
