// Runs a service under a launcher, and ends it in order when the launcher is gone (killed, or its terminal closed).
import { pathToFileURL } from 'node:url';

const [, , program, ...args] = process.argv;
process.argv.splice(1, process.argv.length - 1, program, ...args);
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
await import(pathToFileURL(program).href);
