/** The version of this program; the release sets it together with package.json, and a test holds both together. */
export const version = '0.1.0';
