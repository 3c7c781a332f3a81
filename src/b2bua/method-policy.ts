// What is served beside calls, as the configuration says it.
export interface MethodPolicy {
  readonly messages: MessagePolicy;
  /** Content types of INFO that cross in a call (RFC 6086 §4: legacy use, such as `application/dtmf-relay`). */
  readonly info: readonly string[];
  /** What becomes of a REFER in a call: refused, or carried out here as a new call. */
  readonly refer: 'refuse' | 'handle';
  /** How many redirects one call may follow. */
  readonly redirects: number;
}

export interface MessagePolicy {
  readonly relay: boolean;
  /** RFC 3428 §8: 1,300 unless the transport is known to bear more. */
  readonly maxBytes: number;
  /** In lower case, without parameters. */
  readonly contentTypes: readonly string[];
}

/** Why a body may not cross, as a status; undefined: it may. */
export function bodyRefusal(
  contentType: string | undefined,
  sizeBytes: number,
  { maxBytes, contentTypes }: Pick<MessagePolicy, 'maxBytes' | 'contentTypes'>,
): 413 | 415 | undefined {
  if (sizeBytes > maxBytes) return 413;
  const [type = ''] = (contentType ?? '').split(';', 1);
  return contentTypes.includes(type.trim().toLowerCase()) ? undefined : 415;
}
