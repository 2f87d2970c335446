import { rm } from 'node:fs/promises'

// biome-ignore lint/style/noDefaultExport: Jest calls the default export.
export default async function stopDatabases(): Promise<void> {
  const started = globalThis.testDatabases
  if (!started) return
  await started.postgres.stop()
  await rm(started.dataDir, { recursive: true, force: true })
}
