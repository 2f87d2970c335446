import type { Command } from 'commander'
import { Argument } from 'commander'
import { StartError } from '../kernel/errors.ts'
import type { ContractName } from '../kernel/policy.ts'
import { contractNames } from '../kernel/policy.ts'
import type { Shell } from './shell.ts'
import { addCommand } from './shell.ts'

export function addOpenapi(program: Command, { terminal, config }: Shell): void {
  addCommand(program, 'openapi', {
    summary: 'print the OpenAPI document of a contract',
    examples: ['openapi', 'openapi rest-auth > rest-auth.json'],
  })
    .addArgument(new Argument('[contract]', 'the contract').choices(contractNames).default('v1'))
    .action(async (contract: ContractName) => {
      const { createDocuments } = await import('../contracts/documents.ts')
      const document = createDocuments(config())(contract)
      if (!document) throw new StartError(`${contract} is not served: add it to CONTRACTS`)
      terminal.print(JSON.stringify(document, null, 2))
    })
}
