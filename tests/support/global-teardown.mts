import { readdir, rm } from 'node:fs/promises'
import { findLeftovers } from './leftovers.ts'

/** Fails the run when its tests have left anything behind. */
// biome-ignore lint/style/noDefaultExport: Jest calls the default export.
export default async function endRun(): Promise<void> {
  const run = globalThis.testRun
  if (!run) return
  await run.postgres.stop()
  await rm(run.dataDir, { recursive: true, force: true })
  const inside = await readdir(run.folder)
  await rm(run.folder, { recursive: true, force: true })
  const outside = (await findLeftovers(run.temporary)).filter((path) => !run.leftovers.includes(path))
  const left = [...inside, ...outside]
  if (left.length > 0) throw new Error(`The tests left behind: ${left.join(', ')}`)
}
