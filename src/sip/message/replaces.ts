// Replaces (RFC 3891 §6.1): the dialog whose place a new INVITE takes, as whoever receives it keeps it.
export interface Replaces {
  readonly callId: string;
  /** The receiver's own tag. */
  readonly toTag: string;
  /** The tag of its peer. */
  readonly fromTag: string;
  /** Only a dialog that is not confirmed yet may be replaced. */
  readonly isEarlyOnly: boolean;
}

/** The option tag in Supported and Require. */
export const replacesTag = 'replaces';

/** Three identifiers of ours are shorter by far. */
export const maxReplacesBytes = 1_024;

/** Undefined when it cannot be read: both tags once, and the flag without a value. */
export function parseReplaces(value: string): Replaces | undefined {
  if (value.length > maxReplacesBytes) return undefined;
  const [callId = '', ...parameters] = value.split(';').map((part) => part.trim());
  const tags = new Map<string, string>();
  let isEarlyOnly = false;
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    const name = (equals < 0 ? parameter : parameter.slice(0, equals)).trim().toLowerCase();
    const text = equals < 0 ? undefined : parameter.slice(equals + 1).trim();
    if (name === 'early-only') {
      if (text !== undefined) return undefined;
      isEarlyOnly = true;
    } else if (name === 'to-tag' || name === 'from-tag') {
      if (text === undefined || text === '' || tags.has(name)) return undefined;
      tags.set(name, text);
    }
  }
  const [toTag, fromTag] = [tags.get('to-tag'), tags.get('from-tag')];
  if (!isCallId(callId) || toTag === undefined || fromTag === undefined) return undefined;
  return { callId, toTag, fromTag, isEarlyOnly };
}

/** As it goes on the wire. */
export function formatReplaces({ callId, toTag, fromTag, isEarlyOnly }: Replaces): string {
  return `${callId};to-tag=${toTag};from-tag=${fromTag}${isEarlyOnly ? ';early-only' : ''}`;
}

function isCallId(text: string): boolean {
  return text !== '' && !/[\s,"<>]/.test(text);
}
