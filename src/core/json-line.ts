// One JSON document a line, as logs and call records are kept. JSON escapes line ends; what else a terminal or an editor
// would obey (C1 controls, directions of writing) is escaped here too. Readers of JSON see the same text.

/** `json` must be JSON text without line ends. */
export function jsonLine(json: string): string {
  return obeyed.test(json) ? json.replaceAll(everyObeyed, escaped) : json;
}

/** DEL, C1, line and paragraph separators, marks and overrides of direction: in JSON they stand inside strings only. */
const obeyed = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const everyObeyed = new RegExp(obeyed, 'g');

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
