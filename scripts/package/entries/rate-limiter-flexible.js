// What we use of the package: its own entry brings every store that it knows along.
import RateLimiterMemory from '../../../node_modules/rate-limiter-flexible/lib/RateLimiterMemory.js';

export { RateLimiterMemory };
