/** A stop takes no longer, whatever hangs. Supervisors kill after ten seconds, as Docker does. */
export const stopLimitMs = 9500

/** How long requests and mails in flight may last when the server stops. */
export const graceMs = 8000

/** How long connections may take to close after that: a network that drops packets silently never answers. */
export const closingMs = 500

/** How long an end that cannot wait lets PostgreSQL take. */
export const killLimitMs = 2000

/** The milliseconds that are left of so many, from now on. */
export function startCountdown(limitMs: number): () => number {
  const end = performance.now() + limitMs
  return () => Math.max(0, end - performance.now())
}
