import { ProblemError } from 'auth-server-client'
import { useState } from 'preact/hooks'
import { auth } from '../auth.ts'
import { useMailToken } from '../mail-token.ts'
import { Link } from '../navigation.tsx'
import type { Values } from '../parts/form.tsx'
import { Form } from '../parts/form.tsx'
import { NewLink } from '../parts/new-link.tsx'
import { PendingRegistration } from '../parts/pending-registration.tsx'
import { Done, Screen } from '../parts/screen.tsx'

type Progress = 'ready' | 'asking for the password' | 'link is used up' | 'done'

/** The page behind the link in the mail. It needs one click: opening the link alone changes nothing. */
export function VerifyEmail() {
  const token = useMailToken()
  const [progress, setProgress] = useState<Progress>('ready')

  async function verify(choice: Values = {}): Promise<void> {
    try {
      await auth.call('POST /verify_email', { body: { token: token ?? '', ...choice } })
    } catch (error) {
      const next = error instanceof ProblemError ? progressAfter[error.code] : undefined
      if (!next) throw error
      return setProgress(next)
    }
    setProgress('done')
    // The user, if there is one here, has a verified address from now on.
    await auth.session().catch(() => undefined)
  }

  if (progress === 'done') {
    return (
      <Screen title="Your address is verified">
        <Done>Thank you.</Done>
        <p>
          <Link to="" className="button">
            Continue
          </Link>
        </p>
      </Screen>
    )
  }
  if (!token || progress === 'link is used up') return <NewLink for="verification" isComplete={token !== undefined} />
  return (
    <Screen title="Verify your address">
      {progress === 'ready' ? (
        <Form action={() => verify()} submit="Verify my address">
          <p>
            One click, and your address is verified. It takes the click because programs that check mails open the links
            in them.
          </p>
        </Form>
      ) : (
        <PendingRegistration complete={verify} />
      )}
    </Screen>
  )
}

const progressAfter: Readonly<Record<string, Progress>> = {
  verification_token_invalid: 'link is used up',
  password_required: 'asking for the password',
}
