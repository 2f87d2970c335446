import { z } from 'zod'
import { features } from '../../../src/features/index.ts'

const endpoints = features.flatMap((feature) => feature.endpoints ?? [])

function names(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(names)
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

describe('an endpoint', () => {
  it('has a name of its own', () => {
    expect(new Set(endpoints.map(({ name }) => name)).size).toBe(endpoints.length)
  })

  it.each(endpoints)('$name declares the refresh cookie if it answers with a refresh token or logs out', (endpoint) => {
    const isNeeded = names(endpoint.output).includes('refresh_token') || endpoint.logsOut === true
    expect(Object.hasOwn(endpoint.cookies ?? {}, 'refresh')).toBe(isNeeded)
  })
})
