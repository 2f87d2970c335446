const secondsPer = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds in a duration such as `90s`, `15m`, `12h`, `7d` or `90` (seconds); undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,8})([smhd]?)$/.exec(text)
  if (!match) return undefined
  const unit = (match[2] || 's') as keyof typeof secondsPer
  return Number(match[1]) * secondsPer[unit]
}

export function secondsAfter(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000)
}

export function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}
