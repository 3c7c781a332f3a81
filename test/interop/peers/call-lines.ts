// What Portcullis wrote down about calls, as an operator asks for it.
import { eventually } from './peer-process.ts';
import type { Portcullis } from './portcullis.ts';

/** A record is written down a moment after its call; the first one of a process waits for the thread of call records to start. */
const recordsLimitMs = 15_000;

/**
 * Of each call of the last hour, once there are records of `calls` of them: the user outside, and what protected what came from there
 * (`none`: nothing).
 */
export async function encryptionOf(
  sbc: Portcullis,
  calls: number,
): Promise<readonly { readonly user: string; readonly suite: string }[]> {
  const records = await eventually(`records of ${calls} calls`, recordsLimitMs, async () => {
    const found = await recordsOf(sbc);
    return found.length >= calls ? found : undefined;
  });
  return records.map(({ caller, callee, media }) => {
    const isCaller = caller.startsWith('user:');
    const own = media.find(({ leg }) => leg === (isCaller ? 'a' : 'b'));
    const user = (isCaller ? caller : callee).replace(/^user:/, '').replace(/@.*$/, '');
    return { user, suite: own?.encryption ?? 'none' };
  });
}

async function recordsOf(sbc: Portcullis): Promise<CallList['calls']> {
  try {
    const answer: unknown = JSON.parse(await sbc.databaseCommand('calls', '--format', 'json', '--since', '1h'));
    if (!isCallList(answer)) throw new Error('calls: no list');
    return answer.calls;
  } catch (error) {
    if (error instanceof Error && error.message.includes('none was written yet')) return [];
    throw error;
  }
}

interface CallList {
  readonly calls: readonly {
    readonly caller: string;
    readonly callee: string;
    readonly media: readonly { readonly leg: string; readonly encryption: string }[];
  }[];
}

function isCallList(value: unknown): value is CallList {
  return typeof value === 'object' && value !== null && 'calls' in value && Array.isArray(value.calls);
}
