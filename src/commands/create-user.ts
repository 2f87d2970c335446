import type { Command } from 'commander'
import type { Features } from '../features/composition.ts'
import { AuthError, StartError } from '../kernel/errors.ts'
import { readNewPassword } from './password.ts'
import { sentenceOf } from './report.ts'
import type { ChangeOptions, Shell } from './shell.ts'
import { addChange } from './shell.ts'
import { printable } from './text.ts'

type Options = ChangeOptions & {
  readonly username?: string
  readonly email?: string
  readonly noinput?: boolean
  readonly passwordStdin?: boolean
}

/** The command of Django, with its questions. */
export function addCreateSuperuser(program: Command, shell: Shell): void {
  const command = addChange(program, 'createsuperuser', {
    summary: 'create a user who is staff and superuser, and whose address counts as verified',
    examples: [
      'createsuperuser',
      'createsuperuser --username ada --email ada@example.com --password-stdin < file',
      'createsuperuser --noinput      with AUTH_SUPERUSER_USERNAME, AUTH_SUPERUSER_EMAIL and AUTH_SUPERUSER_PASSWORD',
    ],
  })
  addAnswers(command)
    .option('--noinput', 'ask nothing: take the rest from AUTH_SUPERUSER_… or DJANGO_SUPERUSER_… in the environment')
    .action((options: Options) => createUser(shell, options, superuser))
}

/** Under `users`: a user without roles, which `promote` gives. */
export function addCreateUser(users: Command, shell: Shell): void {
  const command = addChange(users, 'create', {
    summary: 'create a user without roles, whose address counts as verified',
    examples: ['users create', 'users create --username ada --email ada@example.com --password-stdin < file'],
  })
  addAnswers(command).action((options: Options) => createUser(shell, options, plainUser))
}

/** Options that answer the questions beforehand. */
function addAnswers(command: Command): Command {
  return command
    .option('--username <name>', 'the username')
    .option('--email <address>', 'the e-mail address')
    .option('--password-stdin', 'read the password from standard input')
}

interface Kind {
  readonly noun: string
  readonly roles: { readonly isStaff: boolean; readonly isSuperuser: boolean }
  /** What the variables begin with that answer the questions. */
  readonly prefixes: readonly string[]
}

const superuser: Kind = {
  noun: 'Superuser',
  roles: { isStaff: true, isSuperuser: true },
  prefixes: ['AUTH_SUPERUSER_', 'DJANGO_SUPERUSER_'],
}
const plainUser: Kind = { noun: 'User', roles: { isStaff: false, isSuperuser: false }, prefixes: [] }

async function createUser(shell: Shell, options: Options, { noun, roles, prefixes }: Kind): Promise<void> {
  const { terminal, environment } = shell
  const services = await shell.services()
  const operator = await shell.operator(options)
  const accept = await createRules(services)
  const variable = (name: string) => prefixes.map((prefix) => environment[prefix + name]).find(Boolean)
  const orSet = (name: string) => (prefixes[0] === undefined ? '' : `, or set ${prefixes[0]}${name}`)
  const obtain = createQuestions(shell, terminal.isInteractive && !options.noinput)

  const username = await obtain({
    given: options.username ?? variable('USERNAME'),
    ask: () => terminal.ask('Username: '),
    accept: accept.username,
    refusal: `There is no username: add --username${orSet('USERNAME')}`,
  })
  const email = await obtain({
    given: options.email ?? variable('EMAIL'),
    ask: () => terminal.ask('Email address: '),
    accept: accept.email,
    refusal: `There is no address: add --email${orSet('EMAIL')}`,
  })
  const person = { username, email, firstName: '', lastName: '', phoneNumber: '', timezone: 'UTC' }
  const password = await obtain({
    given: options.passwordStdin ? await readNewPassword(terminal, options) : variable('PASSWORD'),
    ask: () => readNewPassword(terminal, {}),
    accept: (text) => accept.password(text, person),
    refusal: `There is no password: write it to standard input with --password-stdin${orSet('PASSWORD')}`,
  })
  const user = await services.administration.create(person, { password, roles }, operator)
  const shown = services.users.present(user, operator.policy)
  terminal.show(options, shown, () => `${noun} ${printable(user.username)} (id:${user.id}) is created.`)
}

/** What is wrong with an answer is said at once, by the rules of a registration. Each returns the value as it is stored. */
async function createRules({ administration, passwords }: Features) {
  // Loaded on demand: help needs none of it.
  const { EmailAddress, Username, userErrors } = await import('../features/user/index.ts')
  const { PasswordText } = await import('../features/password/index.ts')
  const isFree = async (identifier: string) => (await administration.find({ identifier })) === null
  return {
    async username(text: string) {
      const username = read('username', Username, text)
      if (!(await isFree(username))) throw new AuthError(userErrors.username_taken)
      return username
    },
    async email(text: string) {
      const email = read('address', EmailAddress, text)
      if (!(await isFree(email))) throw new AuthError(userErrors.email_taken)
      return email
    },
    async password(text: string, person: Parameters<typeof passwords.policy.check>[2]) {
      const password = read('password', PasswordText, text)
      passwords.policy.check(password, 'password', person)
      return password
    },
  }
}

interface Schema {
  safeParse(text: string): {
    readonly data?: string | undefined
    readonly error?: { readonly issues: readonly { readonly message: string }[] } | undefined
  }
}

function read(name: string, schema: Schema, text: string): string {
  const { data, error } = schema.safeParse(text)
  if (data !== undefined) return data
  throw new StartError(`The ${name} is refused: ${error?.issues[0]?.message}`)
}

interface Question {
  readonly given: string | undefined
  readonly ask: () => Promise<string>
  readonly accept: (text: string) => Promise<string>
  /** The message where nothing is given and no person can be asked. */
  readonly refusal: string
}

/** The value that is given; without one, a person is asked until the answer is accepted. */
function createQuestions({ terminal, interruption }: Shell, asks: boolean) {
  return async ({ given, ask, accept, refusal }: Question): Promise<string> => {
    if (given !== undefined && given !== '') return accept(given)
    if (!asks) throw new StartError(refusal)
    for (;;) {
      try {
        return await accept(await ask())
      } catch (error) {
        const isRefusal = error instanceof StartError || error instanceof AuthError
        if (!isRefusal || interruption.aborted) throw error
        terminal.note(`${sentenceOf(error)}.`)
      }
    }
  }
}
