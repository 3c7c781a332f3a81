// One request over the Unix socket and its answer, or why there is none.
import * as z from 'zod';
import type { Millis } from '../core/clock.ts';
import { SbcError } from '../core/errors.ts';
import { err, ok, type Result } from '../core/result.ts';
import { request } from './node-http.ts';

export interface AdminFailure {
  /**
   * `not-running`: nobody listens, or it went away before it answered: what was ordered may be done. `no-answer`: it runs, and took too long, or so many
   * wait for it already that it takes no more. `refused`: it answered, and said no. `failed`: it answered
   * nothing that can be understood.
   */
  readonly kind: 'not-running' | 'no-answer' | 'no-access' | 'refused' | 'failed';
  readonly code: string;
  readonly message: string;
  /** Each of several reasons, where there are some. */
  readonly errors: readonly string[];
}

export type AdminAnswer<T> = Promise<Result<T, AdminFailure>>;

/** Longest wait for an answer, where nothing else is said. */
export const answerTimeout: Millis = 30_000;
/** Largest answer that is read. */
export const maxAnswerBytes = 64_000_000;

const failure = z.object({
  error: z.object({ code: z.string(), message: z.string(), errors: z.array(z.string()).default([]) }),
});

interface Exchanged {
  readonly statusCode: number;
  readonly bytes: Buffer;
}

export function exchange(
  socketPath: string,
  method: string,
  path: string,
  patience: Millis = answerTimeout,
): AdminAnswer<Exchanged> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, method, path, timeout: patience, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxAnswerBytes) asked.destroy(new Error(`the answer exceeds ${maxAnswerBytes} bytes`));
      });
      response.once('end', () => {
        resolve(ok({ statusCode: response.statusCode ?? 0, bytes: Buffer.concat(chunks) }));
      });
      response.on('error', (error) => resolve(err(connectionFailure(socketPath, error))));
    });
    asked.once('timeout', () => {
      const message = `${socketPath}: no answer within ${patience / 1000} s`;
      resolve(err({ kind: 'no-answer', code: 'no-answer', message, errors: [] }));
      asked.destroy();
    });
    asked.on('error', (error) => resolve(err(connectionFailure(socketPath, error))));
    asked.end();
  });
}

/** Throws SbcError with the code of the failure; `not-running` when nobody answers. */
export function answered<T>(answer: Result<T, AdminFailure>): T {
  if (answer.ok) return answer.value;
  const { code, message, errors } = answer.error;
  throw new SbcError(code, [message, ...errors].join('\n'));
}

export function refusalIn(request: string, { statusCode, bytes }: Exchanged): AdminFailure {
  const refused = failure.safeParse(parseJson(bytes.toString()));
  if (!refused.success) return failed(`${request} was answered ${statusCode}`);
  return { kind: 'refused', ...refused.data.error };
}

/** What was named is not there, as whoever was asked says. */
export function isNothingSuch({ kind, code }: AdminFailure): boolean {
  return kind === 'refused' && code.startsWith('no-such-');
}

function connectionFailure(socket: string, error: NodeJS.ErrnoException): AdminFailure {
  const { code = '', message } = error;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    const text = `not running: nobody answers at ${socket}`;
    return { kind: 'not-running', code: 'not-running', message: text, errors: [] };
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    const text = `not running: ${socket} was closed before all was answered`;
    return { kind: 'not-running', code: 'not-running', message: text, errors: [] };
  }
  // Its backlog is full of those who gave up before: a process that is stopped takes none of them away.
  if (code === 'EAGAIN') {
    const text = `${socket}: no answer, and too many wait for one`;
    return { kind: 'no-answer', code: 'no-answer', message: text, errors: [] };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const text = `${socket} belongs to another user: run this as the user that runs portcullis`;
    return { kind: 'no-access', code: 'no-access', message: text, errors: [] };
  }
  return failed(`${socket}: ${message}`);
}

export function failed(message: string): AdminFailure {
  return { kind: 'failed', code: 'failed', message, errors: [] };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
