import type { Setting, SettingGroup } from '../src/kernel/setting.ts'
import { fileNameOf } from '../src/kernel/setting.ts'
import { settingGroups, settingsIn } from '../src/settings/settings.ts'

const groups: readonly SettingGroup[] = Object.values(settingGroups)

const width = 120

const introduction = `# Every setting of the server, with its default. Copy this file to .env and uncomment what you change.
# Secrets can be read from files instead, as Docker and Kubernetes bring them: SECRET_KEY_FILE=/run/secrets/key; not both.
# A value that cannot be read stops the start with a message that names it.
# Put quotes around a value that holds a #, or the rest of it counts as a comment.
# This file is written by npm run settings, from src/settings and src/features/<name>/settings.ts.
`

/** The text of `.env.example`. */
export function envExample(): string {
  const sections = groups.map(({ heading, settings }) => {
    const title = `# --- ${heading} `.padEnd(width, '-')
    return [title, ...settingsIn(settings).map(exampleOf)].join('\n\n')
  })
  return `${[introduction.trimEnd(), ...sections].join('\n\n')}\n`
}

function exampleOf(setting: Setting): string {
  const text = typeof setting.default === 'object' ? setting.default.development : (setting.default ?? '')
  const value = /[#\s]/.test(text) ? `"${text}"` : text
  const fileName = fileNameOf(setting)
  return [
    ...wrapped([...sentencesOf(setting), ...absenceOf(setting)].join(' ').replaceAll('`', '')),
    `# ${setting.name}=${value}`,
    ...(fileName === undefined ? [] : [`# ${fileName}=`]),
  ].join('\n')
}

/** Lines of a comment. None begins like the line of a setting. */
function wrapped(text: string): string[] {
  const lines: string[] = []
  let line = '#'
  for (const word of text.split(/ (?![A-Z_]+=)/)) {
    if (line.length + 1 + word.length > width) {
      lines.push(line)
      line = '#'
    }
    line = `${line} ${word}`
  }
  return [...lines, line]
}

/** The meaning, the type of the value, and the rule of production. */
function sentencesOf({ meaning, type, neededInProduction, inProduction }: Setting): string[] {
  return [
    asSentence(meaning),
    ...(type.description === undefined ? [] : [`Value: ${type.description}.`]),
    ...(neededInProduction ? ['It must be set in production.'] : []),
    ...(inProduction ? [`In production it ${inProduction.must}.`] : []),
  ]
}

function absenceOf(setting: Setting): string[] {
  const { development, production } = defaultOf(setting)
  if (setting.absent !== undefined) return [`When absent: ${setting.absent}.`]
  return development === production ? [] : [`When absent in production: ${production}.`]
}

function asSentence(text: string): string {
  const [first = ''] = text
  return `${first.toUpperCase()}${text.slice(first.length)}.`
}

function defaultOf({ default: text }: Setting): { readonly development: string; readonly production: string } {
  return typeof text === 'object' ? text : { development: text ?? '', production: text ?? '' }
}

const begin = '<!-- settings: begin, written by npm run settings -->'
const end = '<!-- settings: end -->'

/** README.md with its table of settings written anew. */
export function withSettingsTable(readme: string): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`README.md lacks the lines ${begin} and ${end}`)
  return `${readme.slice(0, from + begin.length)}\n\n${settingsTable()}\n\n${readme.slice(to)}`
}

function settingsTable(): string {
  const rows = groups.flatMap(({ heading, settings }) => [
    `| _${heading}_ | | |`,
    ...settingsIn(settings).map((setting) => {
      const names = [setting.name, fileNameOf(setting)].filter((name) => name !== undefined)
      const cells = [
        names.map((name) => `\`${name}\``).join(', '),
        defaultInWords(setting),
        sentencesOf(setting).join(' '),
      ]
      return `| ${cells.join(' | ').replaceAll('<', '&lt;')} |`
    }),
  ])
  return ['| setting | when absent | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

function defaultInWords(setting: Setting): string {
  const { development, production } = defaultOf(setting)
  if (setting.absent !== undefined) return setting.absent
  if (development === '') return 'none'
  return development === production ? `\`${development}\`` : `\`${development}\`, in production \`${production}\``
}
