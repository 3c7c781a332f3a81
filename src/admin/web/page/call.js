// One call: its sides and their media, its ladder, and its end.
import { ApiError, change, currentSession, read } from './api.js';
import { element, setText, Table } from './dom.js';
import { count, elapsed, moment, score } from './format.js';
import { LadderView } from './ladder.js';

/** @import { CallDetail, Ladder, View } from './shape.js' */

/**
 * @param {string} id
 * @param {(title: string, text: string, action: string) => Promise<boolean>} confirm
 * @param {(text: string) => void} say
 * @returns {View}
 */
export function callView(id, confirm, say) {
  const path = `/api/calls/${encodeURIComponent(id)}`;
  const state = element('span', { class: 'pill' });
  const end = element('button', { type: 'button', class: 'danger', hidden: true }, 'End call');
  /** @type {Record<string, HTMLElement>} */
  const facts = Object.fromEntries(
    ['Caller', 'Dialled', 'Callee', 'Started', 'Answered for'].map((name) => [name, element('dd', {}, '–')]),
  );
  const media = new Table(
    'Media of each side',
    [
      { title: 'Side' },
      { title: 'Encryption' },
      { title: 'Received', kind: 'number' },
      { title: 'Sent', kind: 'number' },
      { title: 'Lost', kind: 'number' },
      { title: 'Jitter', kind: 'number' },
      { title: 'Round trip', kind: 'number' },
      { title: 'MOS', kind: 'number' },
      { title: 'Not relayed', kind: 'text' },
    ],
    'No media yet.',
  );
  const ladder = new LadderView();
  let isOver = false;
  let name = id;

  end.addEventListener('click', async () => {
    if (!(await confirm('End this call?', `${name}: both sides get a BYE at once.`, 'End call'))) return;
    try {
      await change(`${path}/end`);
      say('The call was ended.');
    } catch (thrown) {
      say(thrown instanceof ApiError ? thrown.message : 'The call could not be ended.');
    }
    await refresh();
  });

  async function refresh() {
    const [detail, drawing] = await Promise.all([
      orNothing(/** @type {Promise<CallDetail>} */ (read(path))),
      orNothing(/** @type {Promise<Ladder>} */ (read(`${path}/ladder`))),
    ]);
    ladder.show(drawing);
    isOver = detail === undefined;
    end.hidden = isOver || currentSession()?.role !== 'admin';
    setText(state, isOver ? 'over' : (detail?.call.state ?? ''));
    state.className = isOver ? 'pill' : 'pill good';
    if (detail === undefined) return;
    const { caller, dialled, callee = '–', startedAt, answeredAt } = detail.call;
    name = `${caller} → ${dialled}`;
    tell('Caller', caller);
    tell('Dialled', dialled);
    tell('Callee', callee);
    tell('Started', moment(startedAt));
    tell('Answered for', answeredAt === undefined ? 'not answered yet' : elapsed(Date.now() - answeredAt));
    media.show(detail.media.map((one, index) => ({ key: String(index), cells: mediaCells(one) })));
  }

  /** @param {string} fact @param {string} text */
  function tell(fact, text) {
    const target = facts[fact];
    if (target !== undefined) setText(target, text);
  }

  const root = element(
    'div',
    { class: 'view' },
    element(
      'div',
      { class: 'head' },
      element('h1', {}, 'Call ', element('code', {}, id)),
      state,
      element(
        'div',
        { class: 'push' },
        element('a', { class: 'button', href: `${path}/ladder.svg`, download: `${id}.svg` }, 'SVG'),
        element('a', { class: 'button', href: `${path}/trace.pcap`, download: `${id}.pcap` }, 'Capture'),
        end,
      ),
    ),
    element(
      'section',
      { class: 'card' },
      element(
        'dl',
        { class: 'facts' },
        Object.entries(facts).map(([title, value]) => element('div', {}, element('dt', {}, title), value)),
      ),
    ),
    element('section', { class: 'card' }, element('div', { class: 'head' }, element('h2', {}, 'Media')), media.root),
    ladder.root,
  );
  return { title: `Call ${id}`, root, refresh };
}

/** @type {Record<string, string>} */
const legNames = { a: 'caller', b: 'callee', n: 'between processes' };

/** @param {CallDetail['media'][number]} one */
function mediaCells({
  leg,
  encryption,
  received,
  sent,
  lost,
  jitter,
  round_trip: trip,
  mos,
  one_way: isSilent,
  dropped,
}) {
  const total = lost + received.packets;
  const drops = Object.entries(dropped).map(([reason, packets]) => `${count(packets)} ${reason}`);
  return [
    { text: legNames[leg] ?? leg },
    { text: encryption, tone: encryption === 'none' ? 'quiet' : '' },
    { text: count(received.packets) },
    { text: count(sent.packets) },
    {
      text: `${count(lost)} (${total === 0 ? '0.0' : ((lost / total) * 100).toFixed(1)} %)`,
      tone: lost > total * 0.02 ? 'bad' : '',
    },
    { text: `${jitter.toFixed(1)} ms` },
    { text: trip === null ? '–' : `${trip.toFixed(0)} ms` },
    score(mos),
    {
      text: [...(isSilent ? ['silent while the other side is heard'] : []), ...drops].join(', ') || '–',
      tone: isSilent ? 'bad' : drops.length > 0 ? 'warn' : 'quiet',
    },
  ];
}

/**
 * Nothing, where there is none any more.
 * @template T
 * @param {Promise<T>} asked
 * @returns {Promise<T | undefined>}
 */
async function orNothing(asked) {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 404) return undefined;
    throw thrown;
  }
}
