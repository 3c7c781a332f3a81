// Where calls go, and how numbers look there: routes, and the rules for numbers of trunks and PBXs.
import * as z from 'zod';
import { parseNumberPattern } from '../../core/number-pattern.ts';
import { name } from './values.ts';

export const numberPattern = z.string().transform((value, context) => {
  const parsed = parseNumberPattern(value);
  if (parsed.ok) return value;
  context.addIssue(`${parsed.error}, got "${value}"`);
  return z.NEVER;
});

const maxListed = 1_000;

/** One may stand without brackets. */
function listed(value: unknown): unknown {
  return typeof value === 'string' ? [value] : value;
}

const via = z
  .string()
  .refine(
    (value) => /^(users|(pbx|trunk|group):[\w.-]+)$/.test(value),
    'expected "users", "pbx:NAME", "trunk:NAME" or "group:NAME"',
  );

export const route = z.strictObject({
  name: name.optional(),
  from: z.enum(['user', 'trunk', 'pbx']),
  users: z.array(z.string().min(1).max(255)).min(1).max(maxListed).optional(),
  groups: z.array(name).min(1).max(maxListed).optional(),
  trunks: z.array(name).min(1).max(maxListed).optional(),
  trunk_groups: z.array(name).min(1).max(maxListed).optional(),
  pbxs: z.array(name).min(1).max(maxListed).optional(),
  listeners: z.array(name).min(1).max(maxListed).optional(),
  to: z.preprocess(listed, z.array(numberPattern).min(1).max(maxListed)).default(['*']),
  hours: name.optional(),
  when: z.enum(['open', 'closed']).default('open'),
  via: z.preprocess(listed, z.array(via).min(1).max(10)),
});

const dialled = z.string().regex(/^\+?[0-9*#]{1,32}$/, 'expected digits, "*" and "#", with a "+" in front at most');

const numberRule = z
  .strictObject({
    match: numberPattern.default('*'),
    replace: dialled.optional(),
    strip: z.int().min(0).max(32).default(0),
    form: z.enum(['e164', 'plain', 'international', 'national']).optional(),
    prefix: z
      .string()
      .regex(/^\+?[0-9*#]{0,16}$/, 'expected digits, "*" and "#", with a "+" in front at most')
      .default(''),
  })
  .refine(({ replace, strip }) => replace === undefined || strip === 0, 'replace and strip exclude each other');

const callerId = z
  .strictObject({
    fixed: dialled.optional(),
    allowed: z.array(numberPattern).min(1).max(maxListed).optional(),
    default: dialled.optional(),
    anonymous: z.literal(true).optional(),
  })
  .refine(
    ({ fixed, allowed, anonymous }) => [fixed, allowed, anonymous].filter((one) => one !== undefined).length === 1,
    'expected exactly one of fixed, allowed and anonymous',
  )
  .refine((rule) => rule.default === undefined || rule.allowed !== undefined, 'default belongs to allowed');

/** Of trunks and PBXs. */
export const numberRules = {
  called: z.array(numberRule).max(maxListed).default([]),
  caller: z.array(numberRule).max(maxListed).default([]),
};

export const callerIdRule = callerId.optional();
