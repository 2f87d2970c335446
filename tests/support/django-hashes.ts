/** The password of the hashes. */
export const djangoPassword = 'correct hörse battery'

/** As Django 1.11 to 5.2 write them. */
export const djangoHashes: Readonly<Record<string, string>> = {
  'PBKDF2 with SHA-256, 24,000 iterations':
    'pbkdf2_sha256$24000$seasalt12345$ABvEBe+BDwoYEjATZezJp7cfn4deznuTXHHpwr50MzI=',
  'PBKDF2 with SHA-256, 260,000 iterations':
    'pbkdf2_sha256$260000$seasalt12345$IXR5K7vlPS5AR5Bp+glbPEFsCHo/rpKId3E5uZ/TmFo=',
  'PBKDF2 with SHA-256, 1,000,000 iterations':
    'pbkdf2_sha256$1000000$seasalt12345$Ub+pv7vQejxWOfMWYdGQyOgqe89F/B4wQLNZAV2NNx8=',
  'PBKDF2 with SHA-1': 'pbkdf2_sha1$24000$seasalt12345$pZPpzipC29Kgd8ilJciAgK0SLxo=',
  'Argon2id of 100 MiB, 16 bytes': 'argon2$argon2id$v=19$m=102400,t=2,p=8$c2Vhc2FsdDEyMzQ1$NK+Ou98tgO+c9aRMtIxMiQ',
  'Argon2id of 100 MiB, 32 bytes':
    'argon2$argon2id$v=19$m=102400,t=2,p=8$c2Vhc2FsdDEyMzQ1$SUBJvjnbUTdHQM1/KKLjsCRQAyQVKDVU+BpstqCSCGU',
  Argon2i: 'argon2$argon2i$v=19$m=512,t=2,p=2$c2Vhc2FsdDEyMzQ1$ihn49wypSlGjow1BrGwwkg',
  Argon2d: 'argon2$argon2d$v=19$m=512,t=2,p=2$c2Vhc2FsdDEyMzQ1$IvemYMQCcll0G/I4aIolqQ',
  'bcrypt of SHA-256': 'bcrypt_sha256$$2b$05$abcdefghijklmnopqrstuuKX8O/5UgEDix1giSUHE94jIUZoJtBLe',
  bcrypt: 'bcrypt$$2b$05$abcdefghijklmnopqrstuuvB6yA0Y.nXoc.HyqFxAzqiTTR66pX/O',
  'scrypt of one lane':
    'scrypt$16384$seasalt12345$8$1$BF1fE8n4bhG+mrIxXzgec9PV1S5CTKLdTykcc6oI7H5ftBSoSg4ucoS+wsmD0ira3qOXfwqUVqAuxKJaejrSXg==',
  'scrypt of five lanes':
    'scrypt$16384$seasalt12345$8$5$QYfwgAc3X8KZirvaogKSQZnuGGZFitwTn27W8nPQ6OHZLqolKzMZJaRTtGrQRDNDW7D3pWoDlAFx1pmSQdyalw==',
}

export const weakDjangoHashes: Readonly<Record<string, string>> = {
  'SHA-1': 'sha1$seasalt12345$f70e1e8ce7c0ad56cd0fbe0104ea55a06ecbb7f5',
  MD5: 'md5$seasalt12345$3071616024c313a81e3b33f5529af44a',
  'SHA-1 without salt': 'sha1$$3c63bdba528ee69142cc6573d4c592381bbb5072',
  'MD5 without salt': 'a0e2616af8165094b2920b05f6f29074',
  'MD5 with an empty salt': 'md5$$a0e2616af8165094b2920b05f6f29074',
  crypt: 'crypt$$abhfCpXqd4GrI',
}

/** Of 80 times `x`, of which bcrypt sees 72. */
export const cutDjangoHash = 'bcrypt$$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q'
