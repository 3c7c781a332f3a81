// What comes with a request of a browser, and what goes with every answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { unmappedAddress } from '../../core/ip-address.ts';
import type { AdminReply } from '../routes.ts';

export type WebReply = AdminReply & { readonly cookie?: string | undefined; readonly retryAfter?: number | undefined };

/** Times in milliseconds. */
export const webLimits = {
  connections: 128,
  connectionsPerAddress: 24,
  headerBytes: 8_192,
  bodyBytes: 4_096,
  handshakeTimeout: 5_000,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  idleTimeout: 30_000,
  keepAliveTimeout: 15_000,
} as const;

/** Fetch metadata (W3C): browsers that send it say when another site is behind a request. */
export function isFromElsewhere({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

export function sourceOf({ socket }: IncomingMessage): string {
  return unmappedAddress(socket.remoteAddress ?? '');
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

/** Undefined where it is too long or no JSON. */
export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      if (!Buffer.isBuffer(chunk)) return undefined;
      size += chunk.length;
      if (size > webLimits.bodyBytes) return undefined;
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}

/** On every answer. Scripts and styles are files of ours and nothing else, and no text becomes markup (Trusted Types). */
const securityHeaders: readonly (readonly [string, string])[] = [
  [
    'Content-Security-Policy',
    [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      "form-action 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; '),
  ],
  ['X-Frame-Options', 'DENY'],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()'],
  ['Cache-Control', 'no-store'],
];

export function send(request: IncomingMessage, response: ServerResponse, reply: WebReply): void {
  const { status, contentType, body, allow, cookie, retryAfter } = reply;
  response.statusCode = status;
  for (const [name, value] of securityHeaders) response.setHeader(name, value);
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  if (allow !== undefined) response.setHeader('Allow', allow);
  if (cookie !== undefined) response.setHeader('Set-Cookie', cookie);
  if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
  // A body that was refused is not read either.
  if (!request.complete) response.setHeader('Connection', 'close');
  response.end(body);
}
