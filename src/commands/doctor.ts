import type { Command } from 'commander'
import { StartError } from '../kernel/errors.ts'
import { fileNameOf } from '../kernel/setting.ts'
import type { Finding } from './doctor-checks.ts'
import { checkDatabase, checkDjango, checkHash, checkKey, checkMailServer, checkSender } from './doctor-checks.ts'
import { checkPublicUrl } from './doctor-public-url.ts'
import type { JsonOption, Shell } from './shell.ts'
import { addQuery } from './shell.ts'
import { asTable } from './text.ts'

export function addDoctor(program: Command, shell: Shell): void {
  const { terminal } = shell
  addQuery(program, 'doctor', {
    summary: 'check the settings, the database, the mail server, DNS and the way to the server',
    examples: ['doctor', 'doctor --json'],
  }).action(async (options: JsonOption) => {
    const config = shell.config()
    const findings: Finding[] = []
    const checks = [
      () => checkSettings(shell),
      () => checkDatabase(shell),
      () => checkDjango(config),
      () => checkMailServer(config),
      () => checkSender(config),
      () => checkPublicUrl(shell),
      () => checkHash(config),
      () => checkKey(config, shell.environment),
    ]
    for (const [index, check] of checks.entries()) {
      if (terminal.isInteractive) terminal.note(`checking ${index + 1} of ${checks.length} …`)
      findings.push(...(await check().catch(asFinding)))
    }
    terminal.show(options, findings, () =>
      asTable(
        ['STATE', 'CHECK', 'FINDING'],
        findings.map(({ state, check, finding }) => [state, check, finding]),
        'There is nothing to check.',
      ),
    )
    const failed = findings.filter(({ state }) => state === 'failed')
    if (failed.length > 0) throw new StartError(`${failed.length} of ${findings.length} checks failed: see above`)
  })
}

/** What stops a check is what it found. */
function asFinding(error: unknown): Finding[] {
  if (error instanceof StartError) return [{ check: 'database', state: 'failed', finding: error.message }]
  throw error
}

/** The settings that are given, secrets without their values, and those that are seldom right. */
async function checkSettings({ config, environment }: Shell): Promise<Finding[]> {
  const { allSettings } = await import('../settings/settings.ts')
  const { configWarnings } = await import('../settings/warnings.ts')
  const given = allSettings.flatMap((setting): Finding[] => {
    const fileName = fileNameOf(setting)
    const source = environment[setting.name] ? setting.name : fileName && environment[fileName] ? fileName : undefined
    if (source === undefined) return []
    const isShown = source === setting.name && !setting.secret
    return [
      { check: source, state: 'ok', finding: isShown ? String(environment[source]) : 'set; its value is not shown' },
    ]
  })
  const warnings = configWarnings(config()).map(
    (finding): Finding => ({ check: 'settings', state: 'warning', finding }),
  )
  return [...given, ...warnings]
}
