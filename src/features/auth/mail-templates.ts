import { defineMailTemplate, worthSendingSeconds } from '../mail/index.ts'

// An unverified address may be anyone's, so none of these holds a word that the registrant chose.

/** Asks whether the address is the registrant's. It says when, as several may have registered it. */
export const verifyEmail = defineMailTemplate<{ link: string; at: string }>({
  name: 'verify_email',
  staleAfterSeconds: worthSendingSeconds('verify_email'),
  write: ({ link, at }) => ({
    subject: 'Verify your e-mail address',
    paragraphs: [
      `An account was registered with this address on ${at}.`,
      'Follow the link within 24 hours to verify it. If you did not register then, do not follow it and nothing will happen.',
    ],
    link: { label: 'Verify this address', url: link },
  }),
})

/** The same for a registration whose password the link asks for. */
export const completeRegistration = defineMailTemplate<{ link: string; at: string }>({
  name: 'complete_registration',
  staleAfterSeconds: worthSendingSeconds('complete_registration'),
  write: ({ link, at }) => ({
    subject: 'Verify your e-mail address',
    paragraphs: [
      `An account was registered with this address on ${at}.`,
      'Follow the link within 24 hours to get the account, with the password that you registered with or with a new one.',
      'If several such mails have come, any of the links will do: the account gets no password but the one that you give there. If you did not register, there is nothing to do.',
    ],
    link: { label: 'Verify this address', url: link },
  }),
})

/** Tells the owner of an account that its address was registered again. */
export const addressInUse = defineMailTemplate<Record<string, never>>({
  name: 'address_in_use',
  write: () => ({
    subject: 'You have an account already',
    paragraphs: [
      'A new account was requested for this address, which has one already. Probably it was you.',
      'Log in with it, or ask for a reset link on the login page if you have forgotten the password. If it was not you, there is nothing to do.',
    ],
  }),
})
