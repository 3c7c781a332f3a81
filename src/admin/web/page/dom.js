// Elements from data. Every text of a peer becomes a text node: nothing here makes markup of a string.

const svgNamespace = 'http://www.w3.org/2000/svg';

/**
 * @typedef {Node | string | number | undefined | null | false} Child
 * @typedef {Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>} Properties
 */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Properties} [properties] attributes; those named `on…` are listeners
 * @param {...(Child | readonly Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  apply(made, properties);
  append(made, children);
  return made;
}

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Properties} [properties]
 * @param {...(Child | readonly Child[])} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function drawn(tag, properties = {}, ...children) {
  const made = document.createElementNS(svgNamespace, tag);
  apply(made, properties);
  append(made, children);
  return made;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Only what changed is touched, so that what is selected stays selected.
 * @param {Element} target
 * @param {string} text
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * A text with a meaning: a class of the style sheet.
 * @typedef {{ readonly text: string, readonly tone?: string | undefined, readonly href?: string | undefined, readonly title?: string | undefined, readonly action?: (() => void) | undefined }} Cell
 * @typedef {{ readonly title: string, readonly kind?: 'number' | 'long' | 'text' | 'mono' | undefined }} TableColumn
 */

/** A table whose rows are brought up to date in place: focus and selection stay where they are. */
export class Table {
  /** @type {Map<string, HTMLTableRowElement>} */
  #rows = new Map();
  #columns;
  #body = element('tbody');
  #empty;

  /**
   * @param {string} caption for those who do not see the heading above it
   * @param {readonly TableColumn[]} columns
   * @param {string} empty what it says without rows
   */
  constructor(caption, columns, empty) {
    this.#columns = columns;
    this.#empty = element('tr', {}, element('td', { class: 'empty', colspan: columns.length }, empty));
    const titles = columns.map(({ title, kind }) =>
      element('th', { scope: 'col', class: kind === 'number' ? kind : undefined }, title),
    );
    this.root = element(
      'div',
      { class: 'scroll' },
      element(
        'table',
        {},
        element('caption', { class: 'visually-hidden' }, caption),
        element('thead', {}, element('tr', {}, titles)),
        this.#body,
      ),
    );
  }

  /** @param {readonly { readonly key: string, readonly cells: readonly Cell[] }[]} rows */
  show(rows) {
    const wanted = new Set(rows.map(({ key }) => key));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    if (rows.length === 0) {
      this.#body.replaceChildren(this.#empty);
      return;
    }
    this.#empty.remove();
    for (const [index, { key, cells }] of rows.entries()) {
      const row =
        this.#rows.get(key) ??
        element(
          'tr',
          {},
          this.#columns.map(({ kind }) => element('td', { class: kind })),
        );
      this.#rows.set(key, row);
      if (this.#body.children[index] !== row) this.#body.insertBefore(row, this.#body.children[index] ?? null);
      for (const [column, cell] of cells.entries()) fill(row.children[column], cell);
    }
  }
}

/**
 * @param {Element | undefined} target
 * @param {Cell} cell
 */
function fill(target, { text, tone = '', href, title, action }) {
  if (target === undefined) return;
  let holder = target;
  if (href !== undefined || action !== undefined) {
    const kind = href === undefined ? 'button' : 'a';
    const found = target.firstElementChild;
    const made =
      found?.localName === kind ? found : kind === 'a' ? element('a') : element('button', { type: 'button' });
    if (found !== made) target.replaceChildren(made);
    if (made instanceof HTMLAnchorElement && href !== undefined) made.href = href;
    if (made instanceof HTMLButtonElement) made.onclick = () => action?.();
    holder = made;
  }
  setText(holder, text);
  const base = target.getAttribute('data-kind') ?? target.className;
  if (!target.hasAttribute('data-kind')) target.setAttribute('data-kind', base);
  const wanted = `${base} ${tone}`.trim();
  if (target.className !== wanted) target.className = wanted;
  const hint = title ?? (text.length > 24 ? text : '');
  if (hint !== '' && target.getAttribute('title') !== hint) target.setAttribute('title', hint);
}

/**
 * @param {Element} target
 * @param {Properties} properties
 */
function apply(target, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') target.addEventListener(name.slice(2), value);
    else target.setAttribute(name, value === true ? '' : String(value));
  }
}

/**
 * @param {Element} target
 * @param {readonly (Child | readonly Child[])[]} children
 */
function append(target, children) {
  for (const child of children.flat()) {
    if (child === undefined || child === null || child === false) continue;
    target.append(child instanceof Node ? child : String(child));
  }
}
