import { ConfigError, readConfig } from '../../src/settings/config.ts'

/** What is wrong with the settings; nothing where they can be used. */
export function problemsOf(...settings: Parameters<typeof readConfig>): readonly string[] {
  try {
    readConfig(...settings)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}
