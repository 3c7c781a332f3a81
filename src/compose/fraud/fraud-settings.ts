// The detection of fraud as the configuration says it: rules, hours that are normal, prices, and the countries of networks.
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../config/schema.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Result } from '../../core/result.ts';
import type { CallingHours } from '../../policy/calling-hours.ts';
import type { FraudRule } from '../../policy/fraud/fraud-rule.ts';
import { PriceTable, parsePrices } from '../../policy/fraud/price-table.ts';
import { SourceCountries } from '../../policy/fraud/source-countries.ts';
import { usualFraudRules } from '../../policy/fraud/usual-rules.ts';
import { schedulesOf } from '../site/policy-rules.ts';

export interface FraudSettings {
  readonly rules: readonly FraudRule[];
  readonly prices: PriceTable;
  readonly countries: SourceCountries | undefined;
  readonly hours: CallingHours | undefined;
}

/** Largest file of prices or networks that is read. */
export const maxFraudFileBytes = 67_108_864;

/** Whether both configurations detect the same, so that what was seen so far is still worth something. */
export function sameFraud(a: Config, b: Config): boolean {
  return isDeepStrictEqual([a.fraud, a.hours], [b.fraud, b.hours]);
}

/**
 * Undefined where the detection of fraud is off. Files are relative to the folder of the configuration. Throws SbcError
 * `fraud-file`.
 */
export function fraudSettings(config: Config, configFile: string): FraudSettings | undefined {
  const { fraud } = config;
  if (fraud.mode === 'off') return undefined;
  const read = <T>(file: string, parse: (text: string) => Result<T, string>): T => {
    const path = resolve(dirname(configFile), file);
    const parsed = parse(textOf(path));
    if (parsed.ok) return parsed.value;
    throw new SbcError('fraud-file', `${path}: ${parsed.error}`, { file: path });
  };
  const prices = fraud.prices === undefined ? new Map<string, number>() : read(fraud.prices, parsePrices);
  const isShadow = fraud.mode === 'shadow';
  const rules = fraud.rule.length === 0 ? usualFraudRules : fraud.rule.map(ruleOf);
  return {
    rules: isShadow ? rules.map((rule) => ({ ...rule, mode: 'shadow' as const })) : rules,
    prices: new PriceTable(prices, fraud.price_per_minute),
    countries: fraud.networks === undefined ? undefined : read(fraud.networks, (text) => SourceCountries.parse(text)),
    hours: fraud.hours === undefined ? undefined : schedulesOf(config).get(fraud.hours),
  };
}

function ruleOf(rule: Config['fraud']['rule'][number]): FraudRule {
  const { name, kind, warn, act, window, actions, mode, hold, short_call: shortCall, classes } = rule;
  return { name, kind, warn, act, window, actions, mode, hold, shortCall, classes };
}

function textOf(path: string): string {
  try {
    const { size } = statSync(path);
    if (size <= maxFraudFileBytes) return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw new SbcError('fraud-file', `${path}: ${messageOf(thrown)}`, { file: path }, thrown);
  }
  throw new SbcError('fraud-file', `${path} is larger than ${maxFraudFileBytes} bytes`, { file: path });
}
