/** What another process of this benchmark printed; both ends are ours, so its shape is taken as read. */
export function parseJson<T>(text: string): T {
  const read: (json: string) => T = JSON.parse;
  return read(text);
}
