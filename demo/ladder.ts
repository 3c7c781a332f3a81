// The messages of a demo call as a ladder: who sent what to whom, when, seen by the phones and the PBX.
import type { SipMessage } from '../src/sip/message/message.ts';

export type Watcher = 'alice' | 'bob' | 'pbx';

interface Step {
  readonly at: number;
  readonly watcher: Watcher;
  readonly direction: 'in' | 'out';
  readonly message: SipMessage;
}

/** The SBC stands twice: once on each side of the PBX, for the two calls that the PBX joins. */
const columns = ['alice', 'portcullis', 'pbx', 'portcullis', 'bob'] as const;
const columnWidth = 17;

export class Ladder {
  readonly #steps: Step[] = [];
  readonly #clock: () => number;
  /** The Call-ID of the call that the PBX makes. */
  #secondCall: string | undefined;

  /** `clock` in milliseconds. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  watch(watcher: Watcher): (direction: 'in' | 'out', message: SipMessage) => void {
    return (direction, message) => {
      const isNewCall = watcher === 'pbx' && direction === 'out' && message.kind === 'request';
      if (isNewCall) this.#secondCall ??= message.headers.get('Call-ID');
      this.#steps.push({ at: this.#clock(), watcher, direction, message });
    };
  }

  /** Times count from the first message. */
  lines(): readonly string[] {
    const head = columns.map((name) => center(name, columnWidth)).join('');
    return [`      ${head}`.trimEnd(), ...this.#steps.map((step) => this.#line(step))];
  }

  #line(step: Step): string {
    const { from, to } = this.#hop(step);
    const left = Math.min(from, to);
    const label = labelOf(step.message);
    const dashes = columnWidth - 1 - label.length - 1;
    const shaft = `${'─'.repeat(Math.floor(dashes / 2))}${label}${'─'.repeat(Math.ceil(dashes / 2))}`;
    const arrow = to > from ? `${shaft}▶` : `◀${shaft}`;
    const half = Math.floor(columnWidth / 2);
    let text = ' '.repeat(half);
    for (let column = 0; column < columns.length; column += 1) {
      text += '│';
      if (column < columns.length - 1) text += column === left ? arrow : ' '.repeat(columnWidth - 1);
    }
    const elapsed = Math.round(step.at - (this.#steps[0]?.at ?? step.at));
    return `${String(elapsed).padStart(5)} ${text}`.trimEnd();
  }

  /** Columns of sender and receiver. */
  #hop({ watcher, direction, message }: Step): { readonly from: number; readonly to: number } {
    const own = watcher === 'alice' ? 0 : watcher === 'pbx' ? 2 : 4;
    const isSecond = message.headers.get('Call-ID') === this.#secondCall;
    const other = watcher === 'alice' || (watcher === 'pbx' && !isSecond) ? 1 : 3;
    return direction === 'out' ? { from: own, to: other } : { from: other, to: own };
  }
}

function labelOf(message: SipMessage): string {
  return message.kind === 'request' ? message.method : `${message.status}`;
}

function center(text: string, width: number): string {
  const space = width - text.length;
  const left = Math.floor(space / 2);
  return ' '.repeat(left) + text + ' '.repeat(space - left);
}
