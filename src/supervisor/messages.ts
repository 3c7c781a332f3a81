// What a supervisor and the processes that it runs say to each other, over Node's channel. One of the two may be older: messages
// are only ever added, and one that is not known is passed over. What processes say to each other is not read on its way.

export type FromChild =
  /** It listens to what it is told; the first that it says. */
  | { readonly type: 'up' }
  /** It serves. `spare`: another one is to wait for the case that it crashes. */
  | { readonly type: 'ready'; readonly spare: boolean }
  /** What a process reads at its start may say something else now. */
  | { readonly type: 'changed' }
  /** For the one that waits. */
  | { readonly type: 'spare'; readonly message: unknown }
  /** It waits, and could serve within a moment. */
  | { readonly type: 'prepared' }
  /** Somebody asked it for another process in its place. */
  | { readonly type: 'upgrade' }
  /** For the other process of an upgrade. */
  | { readonly type: 'peer'; readonly message: unknown }
  /** The successor is not what can go on: it has to end. */
  | { readonly type: 'abandon'; readonly reason: string };

export type ToChild =
  /** That process is up, and would take its place. */
  | { readonly type: 'successor'; readonly pid: number }
  /** Another process waits for the case that this one crashes, and wants to know what it would go on with. */
  | { readonly type: 'spare' }
  /** The process before has ended: go on with what it left. */
  | { readonly type: 'take-over' }
  /** From the other process. */
  | { readonly type: 'peer'; readonly message: unknown }
  /** There is none, or it has ended: go on. */
  | { readonly type: 'successor-gone'; readonly reason: string }
  /** The successor serves: end without a word. */
  | { readonly type: 'taken-over' };

/** Undefined for anything else. */
export function readFromChild(value: unknown): FromChild | undefined {
  if (!isTyped(value)) return undefined;
  switch (value.type) {
    case 'up':
    case 'changed':
    case 'prepared':
    case 'upgrade':
      return { type: value.type };
    case 'ready':
      return { type: 'ready', spare: 'spare' in value && value.spare === true };
    case 'peer':
    case 'spare':
      return { type: value.type, message: 'message' in value ? value.message : undefined };
    case 'abandon':
      return { type: 'abandon', reason: reasonIn(value) };
    default:
      return undefined;
  }
}

/** Undefined for anything else. */
export function readToChild(value: unknown): ToChild | undefined {
  if (!isTyped(value)) return undefined;
  switch (value.type) {
    case 'successor': {
      const pid = 'pid' in value ? value.pid : undefined;
      return typeof pid === 'number' ? { type: 'successor', pid } : undefined;
    }
    case 'peer':
      return { type: 'peer', message: 'message' in value ? value.message : undefined };
    case 'successor-gone':
      return { type: 'successor-gone', reason: reasonIn(value) };
    case 'taken-over':
    case 'take-over':
    case 'spare':
      return { type: value.type };
    default:
      return undefined;
  }
}

function isTyped(value: unknown): value is { readonly type: unknown } {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function reasonIn(value: object): string {
  return 'reason' in value && typeof value.reason === 'string' ? value.reason : 'no reason was given';
}
