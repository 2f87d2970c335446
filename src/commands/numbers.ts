import { InvalidArgumentError } from 'commander'

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
