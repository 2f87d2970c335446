import { useEffect, useState } from 'preact/hooks'
import { failureOf } from '../failure.ts'

interface AwayProps {
  readonly error: unknown
  readonly retry: () => void
}

/** Stands where something could not be loaded. */
export function Away({ error, retry }: AwayProps) {
  const [isBusy, setBusy] = useState(false)
  useEffect(() => setBusy(false), [error])
  return (
    <div className="away">
      <p role="alert" className="notice bad">
        {failureOf(error).message}
      </p>
      <button
        type="button"
        aria-disabled={isBusy}
        onClick={() => {
          setBusy(true)
          retry()
        }}
      >
        Try again
      </button>
    </div>
  )
}
