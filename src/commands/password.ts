import { StartError } from '../kernel/errors.ts'
import type { Terminal } from './terminal.ts'

/** Reads a new password: from standard input, or twice from a person. Never from an argument, which other processes can see. */
export async function readNewPassword(
  terminal: Terminal,
  { passwordStdin }: { readonly passwordStdin?: boolean },
): Promise<string> {
  if (passwordStdin) {
    const password = await terminal.readInput()
    if (password === '') throw new StartError('Standard input holds no password: write one line to it')
    return password
  }
  const password = await terminal.askHidden('Password: ')
  if ((await terminal.askHidden('Password (again): ')) !== password) {
    throw new StartError('The two passwords differ: try again')
  }
  return password
}
