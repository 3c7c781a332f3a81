// Text that outlives the message it was read from.

/** The same text in memory of its own: V8 keeps all of a message's text as long as one part that was cut from it is there. */
export function ownText(part: string): string {
  return Buffer.from(part).toString();
}
