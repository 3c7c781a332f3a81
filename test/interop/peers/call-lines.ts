// What Portcullis wrote down about calls, as an operator asks for it.
import type { Portcullis } from './portcullis.ts';

/** Of each call of the last hour: the user outside, and what protected what came from there (`none`: nothing). */
export async function encryptionOf(
  sbc: Portcullis,
): Promise<readonly { readonly user: string; readonly suite: string }[]> {
  const answer: unknown = JSON.parse(await sbc.databaseCommand('calls', '--format', 'json', '--since', '1h'));
  if (!isCallList(answer)) throw new Error('calls: no list');
  return answer.calls.map(({ caller, callee, media }) => {
    const isCaller = caller.startsWith('user:');
    const own = media.find(({ leg }) => leg === (isCaller ? 'a' : 'b'));
    const user = (isCaller ? caller : callee).replace(/^user:/, '').replace(/@.*$/, '');
    return { user, suite: own?.encryption ?? 'none' };
  });
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
