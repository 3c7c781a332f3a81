import { PassThrough } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { maxSecretLength, readSecret } from '../../../src/cli/terminal.ts';

function terminal() {
  const setRawMode = vi.fn();
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode });
  const shown: string[] = [];
  const answer = readSecret('Password: ', input, (text) => shown.push(text));
  return { input, setRawMode, shown, answer };
}

describe('a secret that is typed', () => {
  test.each([
    ['as it is', 'Geheim-1!\r', 'Geheim-1!'],
    ['until the first line end', 'one\ntwo\n', 'one'],
    ['without what was taken back', 'abcx\u007f\b\u007fd\r', 'ad'],
    ['without a line that was cleared', 'wrong\u0015right\r', 'right'],
    ['with letters of more than one unit, taken back whole', 'ä😀\u007fö\r', 'äö'],
    ['without other keys', 'a\u001b\u0001b\r', 'ab'],
    ['empty', '\r', ''],
    ['up to a length', `${'x'.repeat(maxSecretLength + 50)}\r`, 'x'.repeat(maxSecretLength)],
  ])('is taken %s', async (_name, typed, expected) => {
    const { input, answer } = terminal();
    input.write(typed);
    expect(await answer).toBe(expected);
  });

  test('is never shown, and the terminal is as before', async () => {
    const { input, answer, shown, setRawMode } = terminal();
    for (const key of 'secret\r') input.write(key);
    await answer;
    expect(shown.join('')).toBe('Password: \n');
    expect(setRawMode.mock.calls).toEqual([[true], [false]]);
    expect(input.listenerCount('data')).toBe(0);
    expect(input.isPaused()).toBe(true);
  });

  test('is none when Ctrl-C is pressed', async () => {
    const { input, answer, setRawMode } = terminal();
    input.write('abc\u0003');
    await expect(answer).rejects.toMatchObject({ code: 'interrupted' });
    expect(setRawMode).toHaveBeenLastCalledWith(false);
  });

  test('is none when the input ends, or Ctrl-D comes first', async () => {
    const ended = terminal();
    ended.input.end();
    expect(await ended.answer).toBeUndefined();
    const cancelled = terminal();
    cancelled.input.write('\u0004');
    expect(await cancelled.answer).toBeUndefined();
  });

  test('is not asked for where nobody could type it', async () => {
    const write = vi.fn();
    expect(await readSecret('Password: ', new PassThrough(), write)).toBeUndefined();
    expect(write).not.toHaveBeenCalled();
  });
});
