// Trunks, phones, and the threads that move packets.
import { read } from './api.js';
import { element, setText, Table } from './dom.js';
import { count, elapsed, said } from './format.js';

/** @import { Glance, Overview, Part, Registration, View } from './shape.js' */
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
    'Media workers',
    [
      { title: 'Worker' },
      { title: 'State' },
      { title: 'Driver' },
      { title: 'Calls', kind: 'number' },
      { title: 'Packets', kind: 'number' },
    ],
    'There is no worker.',
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
    workers.show(workerRows(now));
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
      element('div', { class: 'head' }, element('h2', {}, 'Media workers')),
      workers.root,
    ),
  );
  return { title: 'Peers', root, refresh };
}

const phonesInterval = 10_000;
/** So long nothing was typed before what was is looked for. */
const typingPause = 250;

/** @param {Overview} overview */
function workerRows(overview) {
  /** @type {Part[]} */
  const parts = overview.processes ?? [{ number: 0, answers: true, ...overview }];
  return parts.flatMap((part) => {
    const prefix = part.number === 0 ? '' : `process ${part.number} `;
    if (!part.answers) return [{ key: prefix, cells: [{ text: prefix }, { text: 'does not answer', tone: 'bad' }] }];
    return part.workers.map(({ alive, driver = '–', sessions, packets }, index) => ({
      key: `${prefix}${index}`,
      cells: [
        { text: `${prefix}#${index}` },
        said(alive, 'running', 'lost'),
        { text: driver },
        { text: String(sessions) },
        { text: count(packets) },
      ],
    }));
  });
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
