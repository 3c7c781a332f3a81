/** Why a call ended that had begun, as records name it. */
export type EndCause =
  | 'caller-hung-up'
  | 'callee-hung-up'
  | 'caller-cancelled'
  | 'refused'
  | 'failed'
  | 'no-answer'
  | 'early-media-limit'
  | 'duration-limit'
  | 'media-timeout'
  | 'media-lost'
  | 'keying-failed'
  | 'caller-flow-lost'
  | 'no-ack'
  | 'signalling-timeout'
  | 'operator'
  | 'draining'
  | 'internal';
