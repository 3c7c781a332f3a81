// The page: who is signed in, which view is shown, and a look every two seconds while somebody can see it.
import { ApiError, askSession, currentSession, signOut } from './api.js';
import { callView } from './call.js';
import { callsView } from './calls.js';
import { byId, setText } from './dom.js';
import { overviewView } from './overview.js';
import { peersView } from './peers.js';
import { securityView } from './security.js';
import { signInView } from './sign-in.js';

/** @import { Overview, View } from './shape.js' */

const interval = 2_000;
/** @type {View | undefined} */
let view;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

addEventListener('hashchange', () => show());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void look();
});
byId('sign-out').addEventListener('click', () => {
  void signOut()
    .then(() => leave('You are signed out.'))
    .catch(fail);
});

askSession().then(enter, () => leave(''));

function enter() {
  const session = currentSession();
  if (session === undefined) return;
  setText(byId('account'), session.role === 'viewer' ? `${session.name} (viewer)` : session.name);
  byId('bar').hidden = false;
  show();
}

/** @param {string} notice */
function leave(notice) {
  clearTimeout(timer);
  view = undefined;
  byId('bar').hidden = true;
  byId('banner').hidden = true;
  const form = signInView(notice, enter);
  byId('main').replaceChildren(form.root);
  document.title = 'Sign in · Portcullis';
  form.focus();
}

function show() {
  if (currentSession() === undefined) return;
  const [, name = '', id = ''] = location.hash.split('/');
  view = viewOf(name, id);
  const main = byId('main');
  main.replaceChildren(...view.root.children);
  for (const link of document.querySelectorAll('nav a')) {
    const isHere = link.getAttribute('href') === `#/${name === 'call' ? 'calls' : name}`;
    if (isHere) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${view.title} · Portcullis`;
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
  void look();
}

/** @param {string} name @param {string} id @returns {View} */
function viewOf(name, id) {
  switch (name) {
    case 'calls':
      return callsView(glance);
    case 'call':
      return callView(decoded(id), confirm, say);
    case 'peers':
      return peersView(glance);
    case 'security':
      return securityView(glance, confirm, say);
    default:
      return overviewView(glance);
  }
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function look() {
  clearTimeout(timer);
  const looked = view;
  if (looked === undefined || document.hidden) return;
  try {
    await looked.refresh();
    byId('banner').hidden = true;
  } catch (thrown) {
    fail(thrown);
  }
  if (view !== looked) return;
  clearTimeout(timer);
  timer = setTimeout(() => void look(), interval);
}

/** @param {unknown} thrown */
function fail(thrown) {
  if (thrown instanceof ApiError && thrown.status === 401) {
    leave('You were signed out. Sign in again.');
    return;
  }
  const banner = byId('banner');
  banner.hidden = false;
  setText(banner, thrown instanceof ApiError ? thrown.message : 'Something on this page went wrong. Load it again.');
  if (!(thrown instanceof ApiError)) console.error(thrown);
}

/** @param {Overview} overview */
function glance({ node, state, version, at, startedAt, processes = [] }) {
  setText(byId('node'), node);
  byId('node').title =
    `Portcullis ${version}, up since ${new Date(startedAt).toLocaleString()}, looked ${new Date(at).toLocaleTimeString()}`;
  const pill = byId('state');
  const silent = processes.flatMap((part) => (part.answers ? [] : [`${part.number}: ${part.why}`]));
  setText(pill, silent.length === 0 ? state : `${silent.length} of ${processes.length} processes do not answer`);
  pill.className = `pill ${silent.length > 0 ? 'bad' : state === 'ready' ? 'good' : 'warn'}`;
  pill.title = silent.join('\n');
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} action
 * @returns {Promise<boolean>}
 */
function confirm(title, text, action) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('question'));
  setText(byId('question-title'), title);
  setText(byId('question-text'), text);
  setText(byId('question-yes'), action);
  return new Promise((resolve) => {
    const close = (/** @type {boolean} */ answer) => {
      dialog.onclose = null;
      dialog.close();
      resolve(answer);
    };
    byId('question-yes').onclick = () => close(true);
    byId('question-no').onclick = () => close(false);
    dialog.onclose = () => resolve(false);
    dialog.showModal();
    byId('question-no').focus();
  });
}

/** @param {string} text */
function say(text) {
  setText(byId('status'), text);
}
