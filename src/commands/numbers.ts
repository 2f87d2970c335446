import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../kernel/time.ts'

/** Reads the value of an option. */
export function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}

/** The option `--limit` of a list. */
export function limitOption(most = 1000, howMany = 'how many to list') {
  return ['--limit <number>', `${howMany}, ${most} at most`, wholeNumber(1, most), 50] as const
}

/** Reads a duration, in seconds. */
export function seconds(text: string): number {
  const duration = parseDuration(text)
  if (duration === undefined) throw new InvalidArgumentError('It must be a duration such as 90s, 15m, 12h or 7d.')
  return duration
}
