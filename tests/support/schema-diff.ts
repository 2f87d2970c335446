import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { SchemaEngine } from '@prisma/schema-engine-wasm'

const engineFolder = new URL('../../node_modules/@prisma/schema-engine-wasm/', import.meta.url)
const schemaFolder = new URL('../../prisma/schema/', import.meta.url)

/** Node has it, but the type definitions do not. */
declare const WebAssembly: {
  readonly instantiate: (
    code: Uint8Array,
    imports: object,
  ) => Promise<{ instance: { exports: Record<string, unknown> } }>
}

interface EngineModule {
  readonly SchemaEngine: {
    readonly new: (options: object, log: () => void, adapter: object) => Promise<SchemaEngine>
  }
  readonly __wbg_set_wasm: (exports: object) => void
}

/** The SQL that creates the tables of the Prisma schema in an empty database. */
export async function schemaAsSql(): Promise<string> {
  const names = (await readdir(schemaFolder)).filter((name) => name.endsWith('.prisma'))
  const files = await Promise.all(
    names.map(async (path) => ({ path, content: await readFile(new URL(path, schemaFolder), 'utf8') })),
  )
  const { SchemaEngine } = await loadEngine()
  const engine = await SchemaEngine.new({}, () => undefined, emptyDatabaseAdapter)
  const { stdout } = await engine.diff({
    from: { tag: 'empty' },
    to: { tag: 'schemaDatamodel', files },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  })
  return stdout ?? ''
}

/** The package's entry imports a .wasm file as a module, which Node does only on request. */
async function loadEngine(): Promise<EngineModule> {
  const engine = (await import(fileURLToPath(new URL('schema_engine_bg.js', engineFolder)))) as EngineModule
  const code = await readFile(new URL('schema_engine_bg.wasm', engineFolder))
  const { instance } = await WebAssembly.instantiate(code, { './schema_engine_bg.js': engine })
  engine.__wbg_set_wasm(instance.exports)
  ;(instance.exports.__wbindgen_start as () => void)()
  return engine
}

/** The engine asks a database for its version before it compares; this one is empty. */
const emptyConnection = {
  provider: 'postgres',
  adapterName: 'empty',
  queryRaw: async () => ({ ok: true, value: { columnNames: [], columnTypes: [], rows: [] } }),
  executeRaw: async () => ({ ok: true, value: 0 }),
  executeScript: async () => ({ ok: true }),
  startTransaction: async () => ({ ok: false }),
  dispose: async () => ({ ok: true }),
}
const connect = async () => ({ ok: true, value: emptyConnection })
const emptyDatabaseAdapter = { provider: 'postgres', adapterName: 'empty', connect, connectToShadowDb: connect }
