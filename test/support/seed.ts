// Setup file of every test: properties draw from the seed of the run, so that one number repeats the order and the examples.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['PORTCULLIS_SEED']) });
