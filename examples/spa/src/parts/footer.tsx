/** The server writes into the document which of its own pages it serves. Elsewhere all are assumed to be there. */
const served = document.querySelector<HTMLMetaElement>('meta[name=server-pages]')?.content.split(' ')

const pages = [
  { path: 'mailbox', label: 'Mailbox', purpose: 'the mails that the server would send' },
  { path: 'docs', label: 'Documentation', purpose: 'every API, to be read and tried out' },
  { path: 'problems', label: 'Problems', purpose: 'the error codes and what they mean' },
]

export const serverPages = pages.filter(({ path }) => served === undefined || served.includes(path))

export function Footer() {
  return (
    <footer>
      <nav aria-label="Server">
        {serverPages.map(({ path, label }) => (
          <a key={path} href={path}>
            {label}
          </a>
        ))}
      </nav>
    </footer>
  )
}

export const hasMailbox = serverPages.some(({ path }) => path === 'mailbox')

export function MailboxLink({ className }: { className?: string }) {
  return hasMailbox ? (
    <a href="mailbox" className={className}>
      Open the mailbox
    </a>
  ) : null
}
