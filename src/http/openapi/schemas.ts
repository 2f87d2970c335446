import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

export type Json = Readonly<Record<string, unknown>>

/** The schemas of a document, as JSON Schema under `components.schemas`. */
export interface NamedSchemas {
  readonly components: Readonly<Record<string, Json>>
  /** The input or output as JSON Schema; schemas with an id are references. */
  describe(schema: z.ZodType, direction: 'input' | 'output'): Json
  /** A reference to the schema under this name, if it is not one already. */
  name(name: string, schema: Json): Json
  /** The targets of references. */
  resolve(schema: Json): Json
}

const home = '#/components/schemas/'

export function createNamedSchemas(): NamedSchemas {
  const components: Record<string, Json> = {}

  function resolve(schema: Json): Json {
    return typeof schema.$ref === 'string' ? resolve(components[schema.$ref.slice(home.length)] ?? {}) : schema
  }

  return {
    components,
    resolve,
    describe(schema, direction) {
      // Inside something else: only there a schema with an id becomes a reference.
      const document = z.toJSONSchema(z.object({ root: schema }), {
        io: direction,
        unrepresentable: 'any',
        override: ({ jsonSchema }) => dropNoise(jsonSchema),
      })
      const { properties, $defs = {} } = JSON.parse(JSON.stringify(document).replaceAll('"#/$defs/', `"${home}`)) as {
        properties: { root: Json }
        $defs?: Record<string, Json>
      }
      for (const [name, described] of Object.entries($defs)) {
        if (!isDeepStrictEqual(components[name] ?? described, described))
          throw new Error(`two schemas are called ${name}`)
        components[name] = described
      }
      return properties.root
    },
    name(name, schema) {
      if (schema.$ref !== undefined) return schema
      components[name] = schema
      return { $ref: home + name }
    },
  }
}

/** Keywords that tell a reader nothing: the pattern of a format, and the bounds of JavaScript's integers. */
function dropNoise(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.format !== undefined) delete schema.pattern
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
}
