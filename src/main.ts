// The process: its arguments become a command, a command becomes an exit code. Nothing that an old Node could not parse or find
// may be imported before the version was looked at, so everything else comes by one dynamic import.
const [major = 0] = process.versions.node.split('.').map(Number);

if (major < 24) {
  process.stderr.write(`portcullis: Node.js 24 or newer is needed, this is ${process.version}\n`);
  process.exit(2);
} else {
  const { runProcess } = await import('./process.ts');
  await runProcess();
}

export {};
