// What leaves the process in a trace: a message whose secrets are written over. Lengths stay, so that Content-Length stays true and
// a dissector reads it as it was.

/**
 * A copy with `x` in place of digest responses (RFC 7616 §3.4), SRTP keys (RFC 4568 §6.1, RFC 4567, RFC 8866 §5.12) and digits that
 * an INFO carries.
 */
export function redacted(message: Uint8Array): Uint8Array {
  const text = Buffer.from(message.buffer, message.byteOffset, message.length).toString('latin1');
  const bodyAt = text.indexOf('\r\n\r\n');
  const end = bodyAt < 0 ? text.length : bodyAt;
  const head = text.slice(0, end);
  const body = text.slice(end);
  return Buffer.from(
    redactedHead(head) + redactedBody(body, /^(?:content-type|c)[ \t]*:[^\r\n]*dtmf/im.test(head)),
    'latin1',
  );
}

/** A folded line (RFC 3261 §7.3.1) is of the field above it. */
function redactedHead(head: string): string {
  let isCredential = false;
  return head.replace(/[^\r\n]+/g, (line) => {
    if (!line.startsWith(' ') && !line.startsWith('\t')) isCredential = /^(?:proxy-)?authorization[ \t]*:/i.test(line);
    return isCredential ? line.replace(/(\bresponse[ \t]*=[ \t]*"?)([0-9A-Fa-f]+)/gi, hidden) : line;
  });
}

function redactedBody(body: string, hasDigits: boolean): string {
  if (hasDigits) return body.replace(/[^\r\n]/g, 'x');
  return body.replace(/[^\r\n]+/g, (line) => {
    if (line.startsWith('a=crypto:')) return line.replace(/(inline:)([A-Za-z0-9+/=]+)/g, hidden);
    return line.replace(/^(k=|a=key-mgmt:)(.+)$/, hidden);
  });
}

function hidden(_match: string, before: string, secret: string): string {
  return before + 'x'.repeat(secret.length);
}
