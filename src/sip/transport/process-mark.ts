// Which of several processes on one machine a message belongs to. Outside listeners are shared, and the kernel gives a datagram or a
// connection to any of them; so each process marks what peers repeat in what they send: its tags in dialogs, its branches in responses.
import { essentials } from '../message/header-fields.ts';
import type { SipMessage } from '../message/message.ts';

/** What tags and branches of that process begin with; no token that is drawn does. */
export function processMark(process: number): string {
  return `p${process}-`;
}

/**
 * The process that a response, or a request in a dialog, is for; undefined where it does not say so. Whoever sends it may have written it:
 * it tells who is to judge a message, and nothing else.
 */
export function ownerOf(message: SipMessage): number | undefined {
  const read = essentials(message);
  if (!read.ok) return undefined;
  const { via, toTag } = read.value;
  return message.kind === 'response' ? marked(branchMark, via.branch) : marked(tagMark, toTag);
}

function marked(mark: RegExp, text: string | undefined): number | undefined {
  const found = text === undefined ? null : mark.exec(text);
  return found === null ? undefined : Number(found[1]);
}

const tagMark = /^p(\d{1,2})-/;
const branchMark = /^z9hG4bKp(\d{1,2})-/i;
