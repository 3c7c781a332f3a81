// Which of several processes on one machine a message belongs to. Outside listeners are shared, and the kernel gives a datagram or a
// connection to any of them; so each process marks what peers repeat in what they send: its tags in dialogs, and where one is to be
// replaced, and its branches in responses.
import { essentials } from '../message/header-fields.ts';
import type { SipMessage, SipRequest } from '../message/message.ts';
import { parseReplaces } from '../message/replaces.ts';

/** What tags and branches of that process begin with; no token that is drawn does. */
export function processMark(process: number): string {
  return `p${process}-`;
}

/**
 * The process that a response is for, or a request in a dialog, or an INVITE that would replace one; undefined where it does not say so.
 * Whoever sends it may have written it: it tells who is to judge a message, and nothing else.
 */
export function ownerOf(message: SipMessage): number | undefined {
  const read = essentials(message);
  if (!read.ok) return undefined;
  const { via, toTag } = read.value;
  if (message.kind === 'response') return marked(branchMark, via.branch);
  return marked(tagMark, toTag ?? replacedTag(message));
}

/** The process that made that tag; undefined where it does not say so. */
export function processOfTag(tag: string): number | undefined {
  return marked(tagMark, tag);
}

/** Our tag in the dialog that an INVITE would replace (RFC 3891 §3). */
function replacedTag({ method, headers }: SipRequest): string | undefined {
  const value = method === 'INVITE' ? headers.get('Replaces') : undefined;
  return value === undefined ? undefined : parseReplaces(value)?.toTag;
}

function marked(mark: RegExp, text: string | undefined): number | undefined {
  const found = text === undefined ? null : mark.exec(text);
  return found === null ? undefined : Number(found[1]);
}

const tagMark = /^p(\d{1,2})-/;
const branchMark = /^z9hG4bKp(\d{1,2})-/i;
