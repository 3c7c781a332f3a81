// The ladder of a call: its parties as columns, a step for each SIP message; a step that is chosen shows its message.
import { drawn, element, setText } from './dom.js';

/** @import { Ladder } from './shape.js' */

const sizes = { times: 62, head: 34, step: 30, leastColumn: 130, mostColumn: 320 };

export class LadderView {
  #holder = element('div', { class: 'scroll' });
  #message = element('pre', { class: 'message', tabindex: 0, 'aria-label': 'Message' });
  #title = element('h2', {}, 'Message');
  /** @type {Ladder | undefined} */
  #ladder;
  #chosen = 0;
  #drawnFor = '';

  constructor() {
    this.root = element(
      'div',
      { class: 'two' },
      element(
        'section',
        { class: 'card' },
        element('div', { class: 'head' }, element('h2', {}, 'Ladder')),
        this.#holder,
      ),
      element('section', { class: 'card sticky' }, element('div', { class: 'head' }, this.#title), this.#message),
    );
    new ResizeObserver(() => this.#draw()).observe(this.#holder);
  }

  /** @param {Ladder | undefined} ladder */
  show(ladder) {
    this.#ladder = ladder;
    this.#draw();
  }

  #draw() {
    const ladder = this.#ladder;
    const width = this.#holder.clientWidth - 32;
    if (ladder === undefined) {
      this.#drawnFor = '';
      this.#holder.replaceChildren(element('p', { class: 'quiet' }, 'No message of this call is in memory.'));
      setText(this.#message, '');
      return;
    }
    const now = `${width} ${ladder.steps.length} ${ladder.columns.join(' ')}`;
    if (now === this.#drawnFor || width <= 0) return;
    this.#drawnFor = now;
    const column = Math.max(
      sizes.leastColumn,
      Math.min(sizes.mostColumn, (width - sizes.times) / ladder.columns.length),
    );
    const full = sizes.times + column * ladder.columns.length;
    const height = sizes.head + ladder.steps.length * sizes.step + 12;
    const x = (/** @type {number} */ index) => sizes.times + column * (index + 0.5);
    const letters = Math.floor(column / 7.2);
    const rails = ladder.columns.flatMap((name, index) => [
      drawn(
        'text',
        { class: 'name', x: x(index), y: 16, 'text-anchor': 'middle' },
        clipped(name, letters),
        drawn('title', {}, name),
      ),
      drawn('line', { class: 'rail', x1: x(index), x2: x(index), y1: 24, y2: height }),
    ]);
    const steps = ladder.steps.map(({ after, from, to, label }, index) => {
      const top = sizes.head + index * sizes.step;
      const y = top + 22;
      const [start, tip] = [x(from), x(to) + (to > from ? -7 : 7)];
      const back = to > from ? -7 : 7;
      const wide = Math.floor((Math.abs(to - from) * column) / 7.2) - 2;
      const choose = () => this.#choose(index);
      return drawn(
        'g',
        {
          class: /^(?!401|407)[456]\d\d /.test(label) ? 'step failure' : 'step',
          tabindex: 0,
          role: 'button',
          'aria-pressed': index === this.#chosen ? 'true' : 'false',
          'aria-label': `${seconds(after)}: ${label}, from ${ladder.columns[from]} to ${ladder.columns[to]}`,
          onclick: choose,
          onkeydown: (event) => {
            if (!(event instanceof KeyboardEvent) || (event.key !== 'Enter' && event.key !== ' ')) return;
            event.preventDefault();
            choose();
          },
        },
        drawn('rect', { x: 0, y: top, width: full, height: sizes.step, rx: 5 }),
        drawn('text', { class: 'time', x: 4, y }, seconds(after)),
        drawn(
          'text',
          { class: 'label', x: (x(from) + x(to)) / 2, y: y - 6, 'text-anchor': 'middle' },
          clipped(label, wide),
          drawn('title', {}, label),
        ),
        drawn('line', { class: 'arrow', x1: start, x2: tip, y1: y, y2: y }),
        drawn('path', { class: 'tip', d: `M${x(to)},${y}l${back},-4v8z` }),
      );
    });
    const picture = drawn(
      'svg',
      {
        class: 'ladder',
        width: full,
        height,
        viewBox: `0 0 ${full} ${height}`,
        role: 'group',
        'aria-label': 'SIP messages',
      },
      rails,
      steps,
    );
    const more = ladder.omitted > 0 ? [element('p', { class: 'quiet' }, `and ${ladder.omitted} messages more`)] : [];
    this.#holder.replaceChildren(picture, ...more);
    this.#tell();
  }

  /** @param {number} index */
  #choose(index) {
    this.#chosen = index;
    for (const [nth, step] of [...this.#holder.querySelectorAll('.step')].entries())
      step.setAttribute('aria-pressed', nth === index ? 'true' : 'false');
    this.#tell();
  }

  #tell() {
    const step = this.#ladder?.steps[this.#chosen];
    setText(this.#title, step === undefined ? 'Message' : `${this.#chosen + 1}. ${step.label}`);
    setText(
      this.#message,
      this.#ladder?.messages[this.#chosen] ?? 'This message is shown by "portcullis trace --messages" only.',
    );
  }
}

/** @param {number} after */
function seconds(after) {
  return (after / 1000).toFixed(3);
}

/** @param {string} text @param {number} letters */
function clipped(text, letters) {
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
}
