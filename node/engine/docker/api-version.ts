/** The newest API these drivers were written for; an older engine is spoken to in its own. */
export const API_VERSION_MAX = '1.51';
/** Older ones have no labels on named volumes made at `create`. */
export const API_VERSION_MIN = '1.25';

export function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number);
  return major === thanMajor ? minor < thanMinor : major < thanMajor;
}
