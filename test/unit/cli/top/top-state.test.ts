import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clipped, fitted, widthOf } from '../../../../src/cli/top/cells.ts';
import { type Key, keysOf } from '../../../../src/cli/top/keys.ts';
import { sampleOf } from '../../../../src/cli/top/sample.ts';
import { initialState, press, type Shown, type TopEffect, type TopState } from '../../../../src/cli/top/top-state.ts';
import { at, earlier, overviewOf } from './top-fixture.ts';

const rows = ['a', 'b', 'c', 'd'].map((id) => ({ id, label: `call ${id}` }));
const shown: Shown = { rows, page: 2, hidden: 7 };

/** The state after `typed`, and every effect on the way. */
function typed(text: string, state: TopState = initialState()): { state: TopState; effects: readonly TopEffect[] } {
  const effects: TopEffect[] = [];
  let now = state;
  for (const key of keysOf(text)) {
    const pressed = press(now, key, shown);
    now = pressed.state;
    effects.push(...pressed.effects);
  }
  return { state: now, effects };
}

describe('keys', () => {
  test('are read from what terminals send, letters of any alphabet too', () => {
    const kinds = (text: string): readonly string[] =>
      keysOf(text).map((key) => (key.kind === 'letter' ? key.text : key.kind));
    expect(kinds('\u001b[A\u001bOBjq')).toEqual(['up', 'down', 'j', 'q']);
    expect(kinds('\u001b[5~\u001b[6~\u001b[H\u001bOF')).toEqual(['page-up', 'page-down', 'home', 'end']);
    expect(kinds('\u001b')).toEqual(['escape']);
    expect(kinds('\r\t\u001b[Z\u007f\u0003')).toEqual(['enter', 'tab', 'back-tab', 'backspace', 'interrupt']);
    expect(kinds('\u00e9\u{1f600}\u6f22')).toEqual(['\u00e9', '\u{1f600}', '\u6f22']);
  });

  test('that nobody knows are none', () => {
    expect(keysOf('\u001b[17~\u001b[1;5C\u0000\u0007')).toEqual([]);
  });
});

describe('the list', () => {
  test('moves the mark by row, page, first and last, and not beyond', () => {
    expect(typed('j').state.selected).toBe('b');
    expect(typed('\u001b[B\u001b[B\u001b[A').state.selected).toBe('b');
    expect(typed('  ').state.selected).toBe('d');
    expect(typed('jjjjjjj').state.selected).toBe('d');
    expect(typed('\u001b[F').state.selected).toBe('d');
    expect(typed('\u001b[F\u001b[H').state.selected).toBe('a');
    expect(typed('k').state.selected).toBe('a');
  });

  test('keeps the mark on its row when rows move, and takes the first when it is gone', () => {
    const { state } = typed('jj');
    const moved = { ...shown, rows: rows.toReversed() };
    expect(press(state, { kind: 'down' }, moved).state.selected).toBe('b');
    expect(press(state, { kind: 'down' }, { ...shown, rows: rows.slice(0, 2) }).state.selected).toBe('b');
  });

  test('asks for another view, order or filter at once', () => {
    expect(typed('2')).toMatchObject({ state: { view: 'trunks' }, effects: [{ kind: 'ask' }] });
    expect(typed('\t\t').state.view).toBe('phones');
    expect(typed('\u001b[Z').state.view).toBe('refusals');
    expect(typed('s').state.orders.calls).toEqual({ index: 1, reversed: false });
    expect(typed('sr').state.orders.calls).toEqual({ index: 1, reversed: true });
    expect(typed('ssssss').state.orders.calls.index).toBe(0);
    expect(typed('s').effects).toEqual([{ kind: 'ask' }]);
  });

  test('does nothing where it is empty', () => {
    const empty: Shown = { rows: [], page: 5, hidden: 0 };
    for (const key of keysOf('jk \u001b[Fx\r')) {
      expect(press(initialState(), key, empty).effects).toEqual([]);
      expect(press(initialState(), key, empty).state.mode.kind).toBe('list');
    }
  });

  test('turns the pages of many phones, and begins anew with another filter or view', () => {
    const many: Shown = { ...shown, matching: 1_200 };
    const turn = (state: TopState, keys: string): TopState =>
      keysOf(keys).reduce((now, key) => press(now, key, many).state, state);
    const phones = turn(initialState(), '3');
    expect(press(phones, { kind: 'letter', text: 'n' }, many).effects).toEqual([{ kind: 'ask' }]);
    expect(turn(phones, 'nnn').offset).toBe(1_000);
    expect(turn(phones, 'nnN').offset).toBe(500);
    expect(turn(phones, 'N').offset).toBe(0);
    const gone = { ...turn(phones, 'nn'), offset: 5_000 };
    expect(turn(gone, 'n').offset).toBe(5_000);
    expect(turn(gone, 'N').offset).toBe(1_000);
    expect(turn(phones, 'nn/a').offset).toBe(0);
    expect(turn(phones, 'nn2').offset).toBe(0);
    expect(typed('n').effects).toEqual([]);
  });

  test('pauses, helps and ends', () => {
    expect(typed('p').state.isPaused).toBe(true);
    expect(typed('pp').state.isPaused).toBe(false);
    expect(typed('?').state.mode.kind).toBe('help');
    expect(typed('?j').state.mode.kind).toBe('list');
    expect(typed('q').effects).toEqual([{ kind: 'quit' }]);
    expect(typed('\u0003').effects).toEqual([{ kind: 'quit' }]);
  });
});

describe('the filter', () => {
  test('takes letters until enter, also those that are keys elsewhere', () => {
    const entered = typed('/xq5\r');
    expect(entered.state).toMatchObject({ filter: 'xq5', mode: { kind: 'list' } });
    expect(entered.effects.every(({ kind }) => kind === 'ask')).toBe(true);
  });

  test('is as before after escape, and gone after escape in the list', () => {
    const { state } = typed('/ab\r');
    expect(typed('/cd\u001b', state).state.filter).toBe('ab');
    expect(typed('\u001b', state).state.filter).toBe('');
    expect(typed('/ab\u007fc\u0015d\r').state.filter).toBe('d');
  });

  test('does not grow without end, and goes with another view', () => {
    expect(typed(`/${'y'.repeat(500)}`).state.filter).toHaveLength(64);
    expect(typed('/ab\r2').state.filter).toBe('');
  });
});

describe('a call', () => {
  test('is opened by enter, scrolled, and left', () => {
    const { state } = typed('j\r');
    expect(state.mode).toEqual({ kind: 'call', id: 'b', label: 'call b', scroll: 0 });
    expect(typed('jj ', state).state.mode).toMatchObject({ scroll: 4 });
    expect(typed('\u001b[F', state).state.mode).toMatchObject({ scroll: 7 });
    expect(typed('b', state).state.mode.kind).toBe('list');
    expect(typed('\u001b', state).state.mode.kind).toBe('list');
  });

  test('is ended after a yes only, in the list and when it is open', () => {
    expect(typed('jx').state.confirm).toEqual({ call: 'b', label: 'call b' });
    expect(typed('jx').effects).toEqual([]);
    expect(typed('jxy').effects).toEqual([{ kind: 'end-call', call: 'b' }]);
    expect(typed('j\rxY').effects.at(-1)).toEqual({ kind: 'end-call', call: 'b' });
    for (const other of ['n', 'x', '\r', ' ', '\u001b', 'q']) {
      const { state, effects } = typed(`jx${other}`);
      expect(effects).toEqual([]);
      expect(state.confirm).toBeUndefined();
    }
  });

  test('that is asked about stays the one, though the rows move before the yes', () => {
    const { state } = typed('jx');
    const moved = press(state, { kind: 'letter', text: 'y' }, { ...shown, rows: rows.toReversed() });
    expect(moved.effects).toEqual([{ kind: 'end-call', call: 'b' }]);
  });
});

test('no keys end a call without a question and a yes', () => {
  const key = fc.constantFrom<Key>(...keysOf('\u001b[A\u001b[B\u001b[5~\r\u001b\t\u007f12345kjsr/xpbh '));
  fc.assert(
    fc.property(fc.array(key, { maxLength: 40 }), (keys) => {
      let state = initialState();
      for (const one of keys) {
        const pressed = press(state, one, shown);
        expect(pressed.effects.some(({ kind }) => kind === 'end-call')).toBe(false);
        state = pressed.state;
      }
    }),
  );
});

describe('text in columns', () => {
  test('is as wide as it is told, wide letters and marks counted', () => {
    expect(widthOf('abc')).toBe(3);
    expect(widthOf('\u6f22\u5b57')).toBe(4);
    expect(widthOf('e\u0301')).toBe(1);
    expect(fitted('abc', 5)).toBe('abc  ');
    expect(fitted('12', 5, 'right')).toBe('   12');
    expect(clipped('abcdef', 4)).toBe('abc~');
    expect(fitted('\u6f22\u5b57\u6f22', 4)).toBe('\u6f22~ ');
  });

  test('never exceeds its width', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(30), (text, width) => widthOf(fitted(text, width)) === width),
    );
  });
});

describe('rates', () => {
  test('are differences over the time between', () => {
    const { rates } = sampleOf(earlier(), overviewOf());
    expect(rates).toMatchObject({ calls: 3, refused: 2, packetsIn: 150, packetsOut: 149, dropped: 2, bitsIn: 206_400 });
    expect(rates?.mainShare).toBeCloseTo(0.12);
    expect(rates?.workers).toMatchObject([{ share: 0.34, packets: 300 }, { share: undefined }]);
  });

  test('are unknown before a second answer and after a restart, and never below nothing', () => {
    expect(sampleOf(undefined, overviewOf()).rates).toBeUndefined();
    expect(sampleOf(earlier(), overviewOf({ startedAt: at - 5 })).rates).toBeUndefined();
    expect(sampleOf(overviewOf(), overviewOf()).rates).toBeUndefined();
    const lost = overviewOf({ media: { ...earlier().media, received: { packets: 5, bytes: 5 } } });
    expect(sampleOf(earlier(), lost).rates?.packetsIn).toBe(0);
  });
});
