import type { Problem, Step } from './types.ts'

/** An answer that is no success. The codes are those of the server's problem documents. */
export class ProblemError extends Error {
  readonly status: number
  /** `unexpected_answer` where the answer is no problem document, such as that of a proxy. */
  readonly code: string
  /** The fields at fault: `pointer` is `#/username`, for instance. */
  readonly errors: NonNullable<Problem['errors']>
  readonly step: Step | undefined
  /** How many seconds to wait, where the server says so. */
  readonly retryAfter: number | undefined

  constructor(response: Response, problem: Partial<Problem>) {
    super(problem.detail ?? `The answer has the status ${response.status}`)
    this.name = 'ProblemError'
    this.status = response.status
    this.code = problem.code ?? 'unexpected_answer'
    this.errors = problem.errors ?? []
    this.step = problem.step
    this.retryAfter = Number(response.headers.get('Retry-After')) || undefined
  }
}

/** The problem document of an answer; empty where it has none. */
export async function readProblem(response: Response): Promise<Partial<Problem>> {
  const isProblem = response.headers.get('Content-Type')?.startsWith('application/problem+json')
  return isProblem ? ((await response.json()) as Problem) : {}
}

/** The body of a success. Throws a ProblemError for any other answer. */
export async function readReply(response: Response): Promise<unknown> {
  if (!response.ok) throw new ProblemError(response, await readProblem(response))
  return response.status === 204 ? undefined : response.json()
}
