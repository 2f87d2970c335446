import type { DjangoScheme } from './scheme.ts'

/** `argon2` and a hash in the PHC format; Django 5.2 has argon2id with 100 MiB, 2 passes and 8 lanes. */
export const argon2Scheme: DjangoScheme = {
  format:
    /^argon2(?<phc>\$argon2(?:id|i|d)(?:\$v=(?:16|19))?\$m=(?<m>[1-9]\d*),t=(?<t>[1-9]\d*),p=(?<p>[1-9]\d*)\$[\w+/]+\$[\w+/]+)$/,
  isFeasible: ({ m, t, p }) => Number(m) <= 262_144 && Number(m) * Number(t) <= 1_048_576 && Number(p) <= 16,
  async matches(password, { phc = '' }) {
    // Loaded on demand: most servers have no such hash.
    const { verify } = await import('@node-rs/argon2')
    // It throws for a salt or a hash of an impossible length.
    return verify(phc, password).catch(() => false)
  },
}
