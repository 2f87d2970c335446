import { createBanner } from '../../src/process/banner.ts'
import { readConfig } from '../../src/settings/config.ts'

function dataLineOf(settings: Record<string, string>): string | undefined {
  const config = readConfig(settings, () => '')
  const banner = createBanner({ config, port: 3000, served: [], contractsDisagree: false })
  return banner.split('\n').find((line) => line.includes('  Data '))
}

describe('the banner', () => {
  it.each([
    ['postgresql://ada:secret@db.example:5433/auth?sslmode=require', 'PostgreSQL at db.example:5433, database auth'],
    [
      'postgresql://ada:secret@localhost/auth?host=/var/run/postgresql',
      'PostgreSQL at /var/run/postgresql, database auth',
    ],
  ])('says which database it is, and no secret of its address: %s', (url, shown) => {
    expect(dataLineOf({ DATABASE_URL: url, SECRET_KEY: 'k'.repeat(40) })).toBe(`  Data     ${shown}`)
  })

  it('says where its own PostgreSQL keeps the data', () => {
    expect(dataLineOf({ DATA_DIR: '/srv/auth' })).toBe('  Data     /srv/auth (its own PostgreSQL)')
  })
})
