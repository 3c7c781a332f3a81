// What nodes of a site tell each other through the store that they share, as JSON: bans, what fraud detection counts, what it holds, and devices that
// were approved or denied.
import { SbcError } from '../../core/errors.ts';
import type { DeviceRecord } from '../../policy/devices.ts';
import type { FraudCall, FraudEvent } from '../../policy/fraud/fraud-event.ts';
import type { Hold } from '../../policy/fraud/holds.ts';

export const fraudEvent = 'fraud';
export const holdEvent = 'hold';
export const holdLiftedEvent = 'hold-lifted';
export const deviceEvent = 'device';
export const deviceForgottenEvent = 'device-forgotten';

/** Throws SbcError `store-damaged`. */
export function readFraudEvent(json: string): FraudEvent {
  const value: unknown = JSON.parse(json);
  if (isFraudEvent(value)) return value;
  throw damaged('an event of fraud detection', json);
}

/** Throws SbcError `store-damaged`. */
export function readHold(json: string): Hold {
  const value: unknown = JSON.parse(json);
  if (isHold(value)) return value;
  throw damaged('a hold', json);
}

/** Throws SbcError `store-damaged`. */
export function readSubject(json: string): string {
  const subject = fieldsOf(JSON.parse(json)).get('subject');
  if (typeof subject === 'string') return subject;
  throw damaged('a subject', json);
}

/** Throws SbcError `store-damaged`. */
export function readDevice(json: string): DeviceRecord {
  const value: unknown = JSON.parse(json);
  if (isDevice(value)) return value;
  throw damaged('a device', json);
}

/** Throws SbcError `store-damaged`. */
export function readDeviceId(json: string): string {
  const id = fieldsOf(JSON.parse(json)).get('id');
  if (typeof id === 'string') return id;
  throw damaged('the id of a device', json);
}

function isDevice(value: unknown): value is DeviceRecord {
  const fields = fieldsOf(value);
  const state = fields.get('state');
  const isTimed = typeof fields.get('firstAt') === 'number' && typeof fields.get('decidedAt') === 'number';
  return (
    isTimed &&
    (state === 'approved' || state === 'denied') &&
    areTexts(fields, 'id', 'aor', 'description', 'source', 'decidedBy')
  );
}

function isFraudEvent(value: unknown): value is Exclude<FraudEvent, { type: 'known' }> {
  const fields = fieldsOf(value);
  const isTimed = typeof fields.get('at') === 'number';
  switch (fields.get('type')) {
    case 'attempted':
      return isTimed && typeof fields.get('admitted') === 'boolean' && isCall(fields.get('call'));
    case 'ended':
      return isTimed && typeof fields.get('duration') === 'number' && isCall(fields.get('call'));
    case 'registered':
      return isTimed && areTexts(fields, 'subject', 'source');
    default:
      return false;
  }
}

function isCall(value: unknown): value is FraudCall {
  const fields = fieldsOf(value);
  const classes = fields.get('classes');
  const areClasses = Array.isArray(classes) && classes.every((one: unknown) => typeof one === 'string');
  return areTexts(fields, 'id', 'subject', 'number') && areClasses && typeof fields.get('isOutOfHours') === 'boolean';
}

function isHold(value: unknown): value is Hold {
  const fields = fieldsOf(value);
  const action = fields.get('action');
  return (
    areTexts(fields, 'subject', 'rule') &&
    (action === 'refuse' || action === 'lock') &&
    typeof fields.get('since') === 'number'
  );
}

function areTexts(fields: ReadonlyMap<string, unknown>, ...names: readonly string[]): boolean {
  return names.every((name) => typeof fields.get(name) === 'string');
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function damaged(what: string, got: string): SbcError {
  return new SbcError('store-damaged', `another node: expected ${what}, got ${got.slice(0, 80)}`);
}
