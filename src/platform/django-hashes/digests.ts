import { createHash } from 'node:crypto'
import type { DjangoScheme } from './scheme.ts'
import { areEqual } from './scheme.ts'

/** `md5$salt$hash` and `sha1$salt$hash`; without a salt `md5$$hash`, `sha1$$hash` or the MD5 alone. */
export const digestScheme: DjangoScheme = {
  format: /^(?:(?:md5\$(?<salt>[^$]*)\$)?(?<md5>[\da-f]{32})|sha1\$(?<sha1Salt>[^$]*)\$(?<sha1>[\da-f]{40}))$/,
  async matches(password, { salt, md5, sha1Salt, sha1 }) {
    const [algorithm, prefix, expected] = sha1 === undefined ? ['md5', salt, md5] : ['sha1', sha1Salt, sha1]
    const digest = createHash(algorithm ?? '')
      .update(prefix ?? '')
      .update(password)
      .digest()
    return areEqual(digest, Buffer.from(expected ?? '', 'hex'))
  },
}
