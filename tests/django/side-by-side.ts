import { setTimeout as delay } from 'node:timers/promises'
import type { Sides } from './sides.ts'
import type { Check } from './story.ts'

const [first, second, third] = ['the first of three', 'the second of three', 'the third of three']

/** Both serve, while an import follows Django and this server writes passwords there. */
export async function playSideBySide({ django, ours, writing, follow }: Sides, check: Check): Promise<void> {
  const follower = follow('--on-conflict', 'rename', '--missing-email', 'placeholder')
  const logInHere = (username: string, password: string) => ours.send('POST /api/login/', { username, password })
  const logInThere = (username: string, password: string) => django.send('POST /token/', { username, password })

  /** Asks until the status is this one, for as long as several rounds may take. */
  async function becomes(status: number, ask: () => ReturnType<typeof logInHere>) {
    let answer = await ask()
    for (let tries = 0; answer.status !== status && tries < 150; tries += 1) {
      await delay(200)
      answer = await ask()
    }
    return answer
  }

  for (let tries = 0; !/unchanged/.test(follower.printed()) && tries < 150; tries += 1) await delay(200)
  await django.send('POST /register/', { username: 'late', email: 'late@example.com', password: first })
  const taken = await becomes(200, () => logInHere('late', first))
  check('a user who registers at Django is here without a further import', taken.status === 200, taken)

  await django.send('POST /register/', { username: 'later', email: 'later@example.com', password: first })
  const { access } = (await logInThere('later', first)).body
  await django.send('POST /set-password/', { password: second }, access)
  const followed = await becomes(200, () => logInHere('later', second))
  check('a password that changes at Django is that of the user here', followed.status === 200, followed)

  const there = await writing()
  const session = (await there.send('POST /api/login/', { username: 'later', password: second })).body
  const body = { old_password: second, new_password: third }
  const changed = await there.send('POST /api/change-password/', body, session.access)
  check('a password changes here that is written to Django', changed.status === 200, changed)
  const atDjango = [await logInThere('later', third), await logInThere('later', second)]
  check('Django knows the new one', atDjango[0]?.status === 200, atDjango[0])
  check('and not the old one', atDjango[1]?.status === 401, atDjango[1])

  await django.send('POST /register/', { username: 'last', email: 'last@example.com', password: first })
  await becomes(200, () => logInHere('last', first))
  check('and it is that of the user here after the next round', (await logInHere('later', third)).status === 200)
  const exit = await follower.end()
  check('the import that follows ends when it is told', exit === 3)
}
