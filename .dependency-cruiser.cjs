// The allowed imports: first the layers, then the one home of each library. The comment of a rule is shown when it is broken.

/** A rule of a layer: files of `from` reach nothing of ours but `to` (and, for features, their own folder). */
const mayOnlyImport = (name, comment, from, to) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^src/', pathNot: to },
})

/** A library has one home, so that replacing it touches one file. */
const livesOnlyIn = (library, ...homes) => ({
  name: `one-home-${library.replace('@', '')}`,
  comment: `${library} is imported in ${homes.join(' and ')} only`,
  severity: 'error',
  from: { path: '^src/', pathNot: homes.map((home) => `^src/${home}`) },
  to: { path: `(^|/)node_modules/(@types/)?${library}(/|$)` },
})

const generated = '^src/generated/'
const kernel = '^src/kernel/'
const ownFeature = '^src/features/$1/'
const featureIndexes = '^src/features/[^/]+/index\\.ts$'

const featureSettings = ['^src/features/settings\\.ts$', '^src/features/[^/]+/setting(s|-types)\\.ts$']
const settingFiles = '^src/settings/'

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that import each other belong in one file, or share a third',
      severity: 'error',
      from: { path: '^(src|tests)/', pathNot: generated },
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      comment: 'The import leads nowhere',
      severity: 'error',
      // Their packages are installed by npm run test:frontends.
      from: { pathNot: '^tests/frontends/[^/]+\\.(mjs|jsx)$' },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-dependencies',
      comment: 'A package that runs in production is a production dependency',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'nothing-imports-tests',
      comment: 'The server does not know its tests and tools',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(tests|bench|dev)/' },
    },

    mayOnlyImport('kernel', 'The kernel imports nothing of ours', kernel, [kernel, generated]),
    mayOnlyImport('platform', 'Adapters know the kernel and each other', '^src/platform/', [
      kernel,
      generated,
      '^src/platform/',
    ]),
    mayOnlyImport(
      'embedded-postgres',
      'The embedded PostgreSQL knows the kernel and the directory that it shares with the server',
      '^src/embedded-postgres/',
      [kernel, '^src/embedded-postgres/', '^src/platform/data-dir(-lock)?\\.ts$'],
    ),
    mayOnlyImport('process', 'What the process prints comes from the settings', '^src/process/', [
      kernel,
      '^src/process/',
      '^src/settings/config\\.ts$',
    ]),
    mayOnlyImport('http', 'The HTTP machinery knows no feature', '^src/http/', [kernel, '^src/http/']),
    mayOnlyImport(
      'features',
      'A feature imports the kernel, itself and the index.ts of other features',
      '^src/features/([^/]+)/(?!(?:token-)?endpoints\\.ts$|pages\\.ts$)',
      [kernel, ownFeature, featureIndexes],
    ),
    mayOnlyImport(
      'features-endpoints',
      'Endpoints are declared with http/contracts/endpoint.ts and nothing else of http',
      '^src/features/([^/]+)/(?:token-)?endpoints\\.ts$',
      [kernel, ownFeature, featureIndexes, '^src/http/contracts/endpoint\\.ts$'],
    ),
    mayOnlyImport(
      'features-pages',
      'Pages are declared with http/pages/page.ts and nothing else of http',
      '^src/features/([^/]+)/pages\\.ts$',
      [kernel, ownFeature, featureIndexes, '^src/http/pages/page\\.ts$'],
    ),
    mayOnlyImport(
      'features-settings',
      'Settings of features are read before the app is loaded, so they import the kernel and each other only',
      featureSettings,
      [kernel, ...featureSettings],
    ),
    mayOnlyImport(
      'features-list',
      'The list of features imports their index.ts and the parts that they register',
      '^src/features/index\\.ts$',
      [
        kernel,
        featureIndexes,
        '^src/features/[^/]+/feature\\.ts$',
        '^src/http/contracts/endpoint\\.ts$',
        '^src/settings/config\\.ts$',
      ],
    ),
    mayOnlyImport(
      'features-composition',
      'The composition of features imports their list, their index.ts and the clean-up',
      '^src/features/composition\\.ts$',
      [
        kernel,
        featureIndexes,
        '^src/features/index\\.ts$',
        '^src/platform/clean-up\\.ts$',
        '^src/settings/config\\.ts$',
      ],
    ),
    mayOnlyImport('contracts', 'A contract maps endpoints and reaches no service', '^src/contracts/', [
      kernel,
      '^src/settings/config\\.ts$',
      '^src/http/(contracts|openapi)/',
      // The documents describe the cookies.
      '^src/http/serving/(cookies|refresh-transport)\\.ts$',
      '^src/contracts/',
      '^src/features/index\\.ts$',
      '^src/features/[^/]+/(email|endpoints|token-endpoints|schemas|errors|pages|links)\\.ts$',
    ]),
    mayOnlyImport('commands', 'A command uses the services of features, and no table by itself', '^src/commands/', [
      kernel,
      '^src/commands/',
      featureIndexes,
      '^src/features/composition\\.ts$',
      '^src/contracts/documents\\.ts$',
      // For imports.
      '^src/platform/(database/bulk|django-sources/open)\\.ts$',
      // For the doctor.
      '^src/platform/(database/(inspection|migrations)|mailer|password-hasher)\\.ts$',
      '^src/settings/(config|settings|warnings)\\.ts$',
    ]),
    mayOnlyImport('settings', 'Settings are read before anything else exists', settingFiles, [
      kernel,
      settingFiles,
      ...featureSettings,
      // It has the list of countries, and no effect outside the process.
      '^src/platform/phone-numbers\\.ts$',
    ]),
    {
      name: 'composition-is-the-top',
      comment: 'The files directly in src join the parts; no part imports them',
      severity: 'error',
      from: { path: '^src/[^/]+/' },
      to: { path: '^src/[^/]+\\.ts$' },
    },

    {
      name: 'one-home-prisma',
      comment: 'Only the database adapter imports Prisma, and only kernel/db.ts its types',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          '^src/platform/database/(database|unavailability|raw-queries)\\.ts$',
          '^src/kernel/db\\.ts$',
          generated,
        ],
      },
      to: { path: [generated, '(^|/)node_modules/(@prisma|\\.prisma|prisma)/'] },
    },
    livesOnlyIn('express', 'http/', 'app\\.ts$'),
    livesOnlyIn('express-serve-static-core', 'http/', 'app\\.ts$'),
    livesOnlyIn('helmet', 'http/serving/response-headers\\.ts$'),
    livesOnlyIn('cors', 'http/serving/response-headers\\.ts$'),
    livesOnlyIn('@opentelemetry', 'platform/tracing\\.ts$'),
    livesOnlyIn('prom-client', 'platform/metrics/'),
    livesOnlyIn('express-rate-limit', 'http/serving/rate-limits\\.ts$'),
    livesOnlyIn('redis', 'platform/redis\\.ts$'),
    livesOnlyIn('rate-limit-redis', 'platform/redis\\.ts$'),
    livesOnlyIn('bcrypt', 'platform/password-hasher\\.ts$', 'platform/django-hashes/bcrypt\\.ts$'),
    livesOnlyIn('@node-rs/argon2', 'platform/django-hashes/argon2\\.ts$'),
    livesOnlyIn('unix-crypt-td-js', 'platform/django-hashes/crypt\\.ts$'),
    livesOnlyIn('jsonwebtoken', 'platform/(token-signer|django-token-verifier)\\.ts$'),
    livesOnlyIn('nodemailer', 'platform/mailer\\.ts$'),
    livesOnlyIn('pino', 'platform/logger\\.ts$'),
    livesOnlyIn('pg', 'platform/database/', 'platform/django-sources/postgres\\.ts$', 'embedded-postgres/'),
    livesOnlyIn('embedded-postgres', 'embedded-postgres/binaries\\.ts$'),
    livesOnlyIn('@embedded-postgres', 'embedded-postgres/binaries\\.ts$'),
    livesOnlyIn('@zxcvbn-ts', 'features/password/common-passwords\\.ts$'),
    livesOnlyIn('libphonenumber-js', 'platform/phone-numbers\\.ts$'),
    livesOnlyIn('dotenv', 'main\\.ts$'),
    livesOnlyIn('commander', 'commands/', 'command-line\\.ts$'),
    livesOnlyIn('swagger-ui-dist', 'http/pages/docs\\.ts$'),
  ],
  options: {
    // TypeScript 7 brings no compiler interface; swc reads the sources, `import type` included.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // The scripts of pages run in browsers; tsc checks what they import.
    exclude: { path: ['^dist/', '^src/.*\\.js$'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json', '.d.ts'],
    },
  },
}
