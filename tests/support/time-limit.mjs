// Jest cannot interrupt a hanging test: this limit makes it fail by name. It is long, as a slow machine is no fault.

const usualLimitMs = 240_000

function limited(work, ms = usualLimitMs) {
  return async (...values) => {
    let timer
    const expiry = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not over after ${ms} ms`)), ms)
    })
    try {
      await Promise.race([work(...values), expiry])
    } finally {
      clearTimeout(timer)
    }
  }
}

const { it: unlimited } = globalThis
const it = (name, work, ms) => unlimited(name, limited(work, ms))
it.each =
  (...cases) =>
  (name, work, ms) =>
    unlimited.each(...cases)(name, limited(work, ms))
Object.assign(globalThis, { it, test: it })

for (const name of ['beforeAll', 'afterAll', 'beforeEach', 'afterEach']) {
  const hook = globalThis[name]
  globalThis[name] = (work, ms) => hook(limited(work, ms))
}
