// Loaded before a process (NODE_OPTIONS=--import=…): shifts its clock by CLOCK_SHIFT_MS.
const shift = Number(process.env.CLOCK_SHIFT_MS)
const { now } = Date

globalThis.Date = new Proxy(Date, {
  construct: (RealDate, args, target) =>
    Reflect.construct(RealDate, args.length === 0 ? [now() + shift] : args, target),
  get: (RealDate, name) => (name === 'now' ? () => now() + shift : Reflect.get(RealDate, name)),
})
