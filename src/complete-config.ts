import { StartError } from './kernel/errors.ts'
import { openDataDir, readOrCreateSecret } from './platform/data-dir.ts'
import type { CompleteConfig, Config } from './settings/config.ts'
import { withKeys } from './settings/config.ts'

/** Outside production a key is made where none is given, and kept, so that tokens outlive a restart. */
export async function completeConfig(config: Config): Promise<CompleteConfig> {
  const [first, ...others] = config.secretKeys
  if (first !== undefined) return withKeys(config, [first, ...others])
  const dataDir = await openDataDir(config.database.dataDir)
  const secret = await readOrCreateSecret(dataDir, 'secret-key')
  if (config.accessTokenKeys.includes(secret)) {
    throw new StartError(
      'ACCESS_TOKEN_KEY must not hold the key of DATA_DIR; make another with: openssl rand -base64 48',
    )
  }
  return withKeys(config, [secret])
}
