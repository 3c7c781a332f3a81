// A list from whose middle things are taken out, each step at a cost that does not depend on its length.

/** Something that stands in a chain. */
export class Link<T> {
  readonly item: T;
  /** Of its chain, while it stands in one. */
  before: Link<T> | undefined;
  after: Link<T> | undefined;
  isIn = true;

  constructor(item: T, before: Link<T> | undefined) {
    this.item = item;
    this.before = before;
  }
}

export class Chain<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): T | undefined {
    return this.#first?.item;
  }

  push(item: T): Link<T> {
    const link = new Link(item, this.#last);
    if (this.#last === undefined) this.#first = link;
    else this.#last.after = link;
    this.#last = link;
    this.#length += 1;
    return link;
  }

  shift(): T | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first?.item;
  }

  /** `link` is one of this chain; one that stands in it no more stays out. */
  remove(link: Link<T>): void {
    if (!link.isIn) return;
    link.isIn = false;
    const { before, after } = link;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    this.#length -= 1;
  }
}
