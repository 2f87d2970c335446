/** A counter, as the part that counts declares it. It has one label. */
export interface CounterDefinition<Value extends string = string> {
  /** As Prometheus wants it: `auth_…_total`. */
  readonly name: string
  readonly help: string
  readonly label: string
  /** Every value that the label can have, so that no input of a client can make a series. Each is there from the start, with 0. */
  readonly values: readonly Value[]
}

/** The same for an instant that is remembered: the last time that something happened. */
export type InstantDefinition<Value extends string = string> = CounterDefinition<Value>

/** Counts for operators. Nothing of it is written anywhere: it is read with `/metrics`. */
export interface Meter {
  count<Value extends string>(counter: CounterDefinition<Value>, value: NoInfer<Value>, by?: number): void
  /** Remembers that it happened now. */
  mark<Value extends string>(instant: InstantDefinition<Value>, value: NoInfer<Value>): void
}

/** Where nothing is measured. */
export const noMeter: Meter = {
  count: () => undefined,
  mark: () => undefined,
}
