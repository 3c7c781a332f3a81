// Setup file of every test: properties draw from the seed of the run, so that one number repeats the order and the examples.
// Node gives `node:tls` without createSecureContext to a process in which a certificate was read before it was loaded; tests share
// processes, so it is loaded first.
import 'node:tls';
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['PORTCULLIS_SEED']) });
