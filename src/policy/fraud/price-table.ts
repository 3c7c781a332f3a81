// What a minute costs, by prefix: a small table that the operator gives, for the estimate of what a user spends.
import { err, ok, type Result } from '../../core/result.ts';

/** Price of a minute by prefix; the longest that fits. */
export class PriceTable {
  readonly #prices: ReadonlyMap<string, number>;
  readonly #fallback: number;

  constructor(prices: ReadonlyMap<string, number>, fallback: number) {
    this.#prices = prices;
    this.#fallback = fallback;
  }

  perMinute(number: string): number {
    for (let length = Math.min(number.length, 12); length > 0; length -= 1) {
      const price = this.#prices.get(number.slice(0, length));
      if (price !== undefined) return price;
    }
    return number.startsWith('+') ? this.#fallback : 0;
  }
}

/** Rows of a file of prices; more are a mistake. */
export const maxPrices = 100_000;

/** Reads lines of `+PREFIX,PRICE`, the price of a minute in whatever currency thresholds are in. Errors name the line. */
export function parsePrices(text: string): Result<ReadonlyMap<string, number>, string> {
  const prices = new Map<string, number>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const found = /^(\+[0-9]{1,12}) *, *([0-9]{1,6}(?:\.[0-9]{1,6})?)$/.exec(line);
    const [, prefix = '', price = ''] = found ?? [];
    if (found === null) return err(`line ${index + 1}: expected "+PREFIX,PRICE", got "${line.slice(0, 60)}"`);
    if (prices.has(prefix)) return err(`line ${index + 1}: there are two prices of ${prefix}`);
    if (prices.size >= maxPrices) return err(`line ${index + 1}: more than ${maxPrices} prices`);
    prices.set(prefix, Number(price));
  }
  return ok(prices);
}
