import type { PasswordWriteBack } from '../../kernel/django.ts'
import type { Ports } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { DjangoUserStore } from './store.ts'

interface Needs {
  readonly ports: Pick<Ports, 'django' | 'hasher'>
  readonly work: Pick<UnitOfWork<{ readonly djangoUsers: DjangoUserStore }>, 'stores'>
}

/** Gives Django the passwords that imported users have here, in its own format. Does the work alone where that is not wanted. */
export function createPasswordWriteBack({ ports: { django, hasher }, work: { stores } }: Needs): PasswordWriteBack {
  return async ({ user, password, caller }, work) => {
    const theirs = django?.passwords
    const imported = theirs && (await stores.djangoUsers.find(user.id))
    if (!imported) return work()
    return theirs.write(imported, await hasher.hashForDjango(password, caller.network), work)
  }
}
