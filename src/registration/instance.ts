// Which phone a contact is, and which of its connections (RFC 5626 §4.1, §4.2): as Contact parameters and as a key.
import { formatParameters } from '../sip/message/parameters.ts';
import type { Parameters } from '../sip/message/uri.ts';

export interface Instance {
  /** A URN in angle brackets, as it came. */
  readonly id: string;
  /** Which connection of the phone; absent where the phone keeps one. */
  readonly regId: string | undefined;
}

/** Undefined when the contact does not say. A reg-id alone says nothing (RFC 5626 §6). */
export function instanceOf(parameters: Parameters): Instance | undefined {
  const id = parameters.get('+sip.instance');
  if (id === undefined || id === '') return undefined;
  const regId = parameters.get('reg-id');
  return { id, regId: regId !== undefined && /^[1-9][0-9]{0,9}$/.test(regId) ? regId : undefined };
}

/** No contact URI begins like this. */
export function instanceKey({ id, regId }: Instance): string {
  return `${mark}${regId ?? ''} ${id}`;
}

/** The parameters that a binding with that key is shown with; '' for the key of a contact URI. */
export function instanceParameters(key: string): string {
  if (!key.startsWith(mark)) return '';
  const space = key.indexOf(' ');
  const regId = key.slice(mark.length, space);
  const parameters = new Map([['+sip.instance', key.slice(space + 1)]]);
  if (regId !== '') parameters.set('reg-id', regId);
  return formatParameters(parameters);
}

/** The instance of that key, a URN in angle brackets; undefined for the key of a contact URI. */
export function instanceIn(key: string): string | undefined {
  return key.startsWith(mark) ? key.slice(key.indexOf(' ') + 1) : undefined;
}

/** The same for all flows of a phone; a key without an instance is a phone of its own. */
export function phoneOf(key: string): string {
  return isOutbound(key) ? instanceKey({ id: key.slice(key.indexOf(' ') + 1), regId: undefined }) : key;
}

/** Whether it is one of several flows of a phone (RFC 5626 §6). */
export function isOutbound(key: string): boolean {
  return key.startsWith(mark) && key[mark.length] !== ' ';
}

const mark = 'instance:';
