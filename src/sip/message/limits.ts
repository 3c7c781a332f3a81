// What a peer may make us read and hold for one message. Sizes are bytes.

export interface MessageLimits {
  /** Start line, headers and body together. */
  readonly messageBytes: number;
  /** Start line and headers, without the empty line. */
  readonly headerBytes: number;
  readonly startLineBytes: number;
  /** One header field with its folded lines. */
  readonly headerLineBytes: number;
  /** Header fields in a message. */
  readonly headerCount: number;
  /** Values of one list header (Via, Route, Record-Route, Contact …) over all its fields. */
  readonly valuesPerHeader: number;
}

export const defaultMessageLimits: MessageLimits = {
  messageBytes: 65_536,
  headerBytes: 32_768,
  startLineBytes: 4_096,
  headerLineBytes: 8_192,
  headerCount: 256,
  valuesPerHeader: 64,
};
