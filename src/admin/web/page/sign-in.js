// The page before somebody is signed in.
import { ApiError, signIn } from './api.js';
import { element } from './dom.js';

/**
 * @param {string} notice why the page is here again; empty: it is the first time
 * @param {() => void} onSignedIn
 */
export function signInView(notice, onSignedIn) {
  const name = field('Name', { id: 'name', autocomplete: 'username', maxlength: 64 });
  const password = field('Password', {
    id: 'password',
    type: 'password',
    autocomplete: 'current-password',
    maxlength: 1024,
  });
  const code = field('One-time code', {
    id: 'code',
    inputmode: 'numeric',
    autocomplete: 'one-time-code',
    pattern: '[0-9 ]{6,7}',
    maxlength: 7,
  });
  const error = element('p', { class: 'error', role: 'alert' }, notice);
  const button = element('button', { class: 'primary', type: 'submit' }, 'Sign in');
  const form = element('form', { novalidate: true }, name.label, password.label, code.label, error, button);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    error.textContent = '';
    try {
      await signIn({
        name: name.input.value.trim(),
        password: password.input.value,
        code: code.input.value.replaceAll(' ', ''),
      });
      onSignedIn();
    } catch (thrown) {
      error.textContent = thrown instanceof ApiError ? sentence(thrown) : 'That did not work.';
      code.input.value = '';
      code.input.focus();
    } finally {
      button.disabled = false;
    }
  });
  const root = element(
    'section',
    { class: 'card sign-in', 'aria-labelledby': 'sign-in-title' },
    element(
      'div',
      { class: 'brand' },
      element('img', { src: '/icon.svg', alt: '', width: 30, height: 30 }),
      element('h1', { id: 'sign-in-title' }, 'Portcullis'),
    ),
    form,
  );
  return { root, focus: () => name.input.focus() };
}

/**
 * @param {string} title
 * @param {import('./dom.js').Properties} properties
 */
function field(title, properties) {
  const input = element('input', { required: true, ...properties });
  return { input, label: element('label', {}, title, input) };
}

/** @param {ApiError} error */
function sentence({ code, message }) {
  if (code === 'refused') return 'Name, password or code is wrong, or the account is locked for a while.';
  if (code === 'too-many-attempts') return 'Too many attempts. Wait a minute.';
  if (code === 'malformed') return 'Enter a name, a password and a code.';
  return message;
}
