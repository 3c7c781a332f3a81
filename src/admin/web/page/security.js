// Alerts, bans and refusals.
import { ApiError, change, currentSession, read } from './api.js';
import { element, Table } from './dom.js';
import { elapsed, moment } from './format.js';

/** @import { Alert, Ban, Glance, Overview, View } from './shape.js' */
/** @import { Cell } from './dom.js' */

/**
 * @param {Glance} glance
 * @param {(title: string, text: string, action: string) => Promise<boolean>} confirm
 * @param {(text: string) => void} say
 * @returns {View}
 */
export function securityView(glance, confirm, say) {
  const alerts = new Table(
    'Alerts of the last week',
    [{ title: 'Last' }, { title: 'Severity' }, { title: 'Times', kind: 'number' }, { title: 'What', kind: 'text' }],
    'No alert in the last week.',
  );
  const bans = new Table(
    'Bans',
    [
      { title: 'Source' },
      { title: 'Account', kind: 'long' },
      { title: 'Reason' },
      { title: 'Lasts', kind: 'number' },
      { title: 'Times', kind: 'number' },
      { title: '' },
    ],
    'Nobody is banned.',
  );
  const refusals = new Table(
    'Refused calls by reason',
    [{ title: 'Reason' }, { title: 'Calls', kind: 'number' }],
    'No call was refused since the start.',
  );

  /** @param {Ban} ban */
  async function lift({ source }) {
    if (!(await confirm('Lift the ban?', `${source} may try again.`, 'Lift ban'))) return;
    try {
      await change(`/api/bans/${encodeURIComponent(source)}/lift`);
      say('The ban was lifted.');
    } catch (thrown) {
      say(thrown instanceof ApiError ? thrown.message : 'The ban could not be lifted.');
    }
    await refresh();
  }

  async function refresh() {
    /** @type {[Overview, { alerts: Alert[] }, { bans: Ban[] }]} */
    const [now, told, banned] = await Promise.all([
      read('/api/overview', { limit: 0 }),
      read('/api/alerts'),
      read('/api/bans'),
    ]);
    glance(now);
    const mayChange = currentSession()?.role === 'admin';
    alerts.show(told.alerts.map((one) => ({ key: `${one.kind} ${one.firstAt} ${one.text}`, cells: alertCells(one) })));
    bans.show(
      banned.bans.map((ban) => ({
        key: `${ban.source} ${ban.account ?? ''}`,
        cells: [
          { text: ban.source },
          { text: ban.account ?? '–' },
          { text: ban.reason },
          { text: elapsed(ban.until - Date.now()) },
          { text: String(ban.times) },
          mayChange && ban.account === undefined ? { text: 'Lift', action: () => void lift(ban) } : { text: '' },
        ],
      })),
    );
    const counted = Object.entries(now.refusals).sort(([, one], [, other]) => other - one);
    refusals.show(
      counted.map(([reason, calls]) => ({ key: reason, cells: [{ text: reason }, { text: String(calls) }] })),
    );
  }

  const root = element(
    'div',
    { class: 'view' },
    element('h1', { class: 'visually-hidden' }, 'Security'),
    element('section', { class: 'card' }, element('div', { class: 'head' }, element('h2', {}, 'Alerts')), alerts.root),
    element('section', { class: 'card' }, element('div', { class: 'head' }, element('h2', {}, 'Bans')), bans.root),
    element(
      'section',
      { class: 'card' },
      element('div', { class: 'head' }, element('h2', {}, 'Refused calls')),
      refusals.root,
    ),
  );
  return { title: 'Security', root, refresh };
}

/** @param {Alert} alert @returns {Cell[]} */
function alertCells({ severity, text, lastAt, count: times }) {
  const tones = { info: 'quiet', warning: 'warn', critical: 'bad' };
  return [
    { text: moment(lastAt) },
    { text: severity, tone: tones[severity] },
    { text: String(times) },
    { text, title: '' },
  ];
}
