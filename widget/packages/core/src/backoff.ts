const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * How long to wait before try `attempt` (0 is the first repeat): doubling from half a second to half a minute,
 * of which the upper half is random so that a restarted server is not met by everyone at once.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt + 1));
  return ceiling / 2 + (random() * ceiling) / 2;
}
