// What the admin rooms use of node:http. As an import it would be read whole, and with it Node's fetch and WebSocket: 14 MB of memory, and more
// time than any room of ours takes to load (bench/README.md).

export const { createServer, request } = process.getBuiltinModule('node:http');
