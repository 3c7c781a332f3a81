// What leaves the process in a trace: a message whose secrets are written over. Lengths stay, so that Content-Length stays true and
// a dissector reads it as it was.

/**
 * A copy with `x` in place of digest responses (RFC 7616 §3.4, §3.5) and credentials of any other scheme, SRTP keys (RFC 4568 §6.1,
 * RFC 4567, RFC 8866 §5.12), passwords of ICE (RFC 8839 §5.4) and digits that an INFO carries.
 */
export function redacted(message: Uint8Array): Uint8Array {
  const text = Buffer.from(message.buffer, message.byteOffset, message.length).toString('latin1');
  // Empty lines may come before a message (RFC 3261 §7.5).
  const startAt = text.search(/[^\r\n]/);
  const bodyAt = text.indexOf('\r\n\r\n', Math.max(0, startAt));
  const end = bodyAt < 0 ? text.length : bodyAt;
  const head = text.slice(0, end).replace(credentials, hiddenCredentials);
  return Buffer.from(head + redactedBody(text.slice(end), digits.test(text)), 'latin1');
}

/** A folded line (RFC 3261 §7.3.1) is of the field above it. */
const credentials = /^((?:proxy-)?(?:authorization|authentication-info)[ \t]*:)((?:[^\r\n]|\r\n[ \t])*)/gim;
const proof = /(\b(?:response|rspauth)\s*=\s*"?)([^\s",]+)/gi;
/** The type of the body, or of a part of it. */
const digits = /^(?:content-type|c)[ \t]*:(?:[^\r\n]|\r\n[ \t])*dtmf/im;

function hiddenCredentials(_match: string, name: string, value: string): string {
  const isDigest = /^\s*digest\s/i.test(value) || /info[ \t]*:$/i.test(name);
  return name + (isDigest ? value.replace(proof, hidden) : value.replace(/[^\r\n]/g, 'x'));
}

function redactedBody(body: string, hasDigits: boolean): string {
  if (hasDigits) return body.replace(/[^\r\n]/g, 'x');
  return body.replace(/[^\r\n]+/g, (line) => {
    if (/^a=crypto:/i.test(line)) return line.replace(/(inline:)([A-Za-z0-9+/=]+)/gi, hidden);
    return line.replace(/^(k=|a=key-mgmt:|a=ice-pwd:)(.+)$/i, hidden);
  });
}

function hidden(_match: string, before: string, secret: string): string {
  return before + 'x'.repeat(secret.length);
}
