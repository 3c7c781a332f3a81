// Lines of CSV (RFC 4180) that are safe to open in a spreadsheet.

/** Ends with CRLF. What a peer chose may begin like a formula: such a cell is given a `'` in front, which a spreadsheet hides. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => quoted(disarmed(cell))).join(',')}\r\n`;
}

/** A number with its sign computes nothing, and stays what it is. */
function disarmed(cell: string): string {
  return /^\s*[=+\-@|%\t\r]/.test(cell) && !/^[+-]?\d+(\.\d+)?$/.test(cell) ? `'${cell}` : cell;
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
