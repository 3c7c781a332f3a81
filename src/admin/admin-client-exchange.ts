// One request over the Unix socket and its answer, or why there is none.
import { request } from 'node:http';
import { z } from 'zod';
import { err, ok, type Result } from '../core/result.ts';

export interface AdminFailure {
  /** `refused`: it answered, and said no. `failed`: it answered nothing that can be understood. */
  readonly kind: 'not-running' | 'no-access' | 'refused' | 'failed';
  readonly code: string;
  readonly message: string;
  /** Each of several reasons, where there are some. */
  readonly errors: readonly string[];
}

export type AdminAnswer<T> = Promise<Result<T, AdminFailure>>;

/** Longest wait for an answer, in milliseconds. */
export const answerTimeout = 30_000;
/** Largest answer that is read. */
export const maxAnswerBytes = 64_000_000;

const failure = z.object({
  error: z.object({ code: z.string(), message: z.string(), errors: z.array(z.string()).default([]) }),
});

interface Exchanged {
  readonly statusCode: number;
  readonly bytes: Buffer;
}

export function exchange(socketPath: string, method: string, path: string): AdminAnswer<Exchanged> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, method, path, timeout: answerTimeout, agent: false }, (response) => {
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
    asked.once('timeout', () => asked.destroy(new Error(`no answer within ${answerTimeout / 1000} s`)));
    asked.on('error', (error) => resolve(err(connectionFailure(socketPath, error))));
    asked.end();
  });
}

export function refusalIn(request: string, { statusCode, bytes }: Exchanged): AdminFailure {
  const refused = failure.safeParse(parseJson(bytes.toString()));
  if (!refused.success) return failed(`${request} was answered ${statusCode}`);
  return { kind: 'refused', ...refused.data.error };
}

function connectionFailure(socket: string, error: NodeJS.ErrnoException): AdminFailure {
  const { code = '', message } = error;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    const text = `not running: nobody answers at ${socket}`;
    return { kind: 'not-running', code: 'not-running', message: text, errors: [] };
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
