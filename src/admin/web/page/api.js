// Asks the server. A look that the page takes by itself says so, and does not keep a session from ending when nobody is there.

/** @import { Session } from './shape.js' */

export class ApiError extends Error {
  /**
   * @param {number} status 0: nobody answered
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @type {Session | undefined} */
let session;
let touchedAt = Date.now();
for (const kind of ['pointerdown', 'keydown', 'wheel', 'touchstart']) {
  addEventListener(
    kind,
    () => {
      touchedAt = Date.now();
    },
    { passive: true },
  );
}
/** The operator did something within so long. */
const recently = 15_000;

export function currentSession() {
  return session;
}

/** @returns {Promise<Session>} */
export async function askSession() {
  return keep(await ask('GET', '/api/session', {}));
}

/**
 * @param {{ name: string, password: string, code: string }} credentials
 * @returns {Promise<Session>}
 */
export async function signIn(credentials) {
  const headers = { 'Content-Type': 'application/json' };
  return keep(await ask('POST', '/api/sign-in', headers, JSON.stringify(credentials)));
}

export async function signOut() {
  await change('/api/sign-out');
  session = undefined;
}

/**
 * @template T
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @returns {Promise<T>}
 */
export function read(path, query = {}) {
  const given = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)])).toString();
  const isWatched = Date.now() - touchedAt < recently;
  return ask('GET', given === '' ? path : `${path}?${given}`, isWatched ? {} : { 'X-Portcullis-Poll': '1' });
}

/**
 * @param {string} path
 * @returns {Promise<unknown>}
 */
export function change(path) {
  return ask('POST', path, { 'X-CSRF-Token': session?.csrf ?? '' });
}

/**
 * @param {Session} told
 */
function keep(told) {
  session = told;
  return told;
}

/**
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {Record<string, string>} headers
 * @param {string} [body]
 * @returns {Promise<T>}
 */
async function ask(method, path, headers, body) {
  /** @type {Response} */
  let response;
  try {
    const signal = AbortSignal.timeout(20_000);
    response = await fetch(path, {
      method,
      headers,
      signal,
      credentials: 'same-origin',
      cache: 'no-store',
      ...(body === undefined ? {} : { body }),
    });
  } catch {
    throw new ApiError(0, 'no-answer', 'Portcullis does not answer.');
  }
  const document = await response.json().catch(() => undefined);
  if (response.ok) return document;
  const { code = 'failed', message = `answered ${response.status}` } = document?.error ?? {};
  throw new ApiError(response.status, code, message);
}
