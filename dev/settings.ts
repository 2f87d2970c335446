import { envExample, withSettingsTable } from './settings-documents.ts'
import { runWriter } from './written-files.ts'

runWriter({
  usage: `Usage: npm run settings [-- --check]

Writes .env.example and the table of settings in README.md from the declarations of the settings,
in src/settings and src/features/<name>/settings.ts.

Options:
  --check  write nothing, and fail if one of the files would change
  --help   show this
`,
  files: [
    { path: '.env.example', write: envExample },
    { path: 'README.md', write: withSettingsTable },
  ],
  remedy: 'does not say what the settings are: run npm run settings, which writes it',
})
