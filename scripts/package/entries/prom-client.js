// What we use of the package: its own entry brings default metrics along, and with them all of @opentelemetry/api, and has Node load `cluster`,
// `https` and `zlib`.
import Counter from '../../../node_modules/prom-client/lib/counter.js';
import Gauge from '../../../node_modules/prom-client/lib/gauge.js';
import Histogram from '../../../node_modules/prom-client/lib/histogram.js';
import Registry from '../../../node_modules/prom-client/lib/registry.js';

export { Counter, Gauge, Histogram, Registry };
