/** Questions to another process, each by a number. One that is not answered in time is answered with nothing. */
export interface Questions<Answer> {
  ask(send: (id: number) => void): Promise<Answer | undefined>
  answer(id: number, answer: Answer): void
}

export function createQuestions<Answer>(limitMs: number): Questions<Answer> {
  const open = new Map<number, (answer: Answer | undefined) => void>()
  let last = 0
  return {
    ask(send) {
      last += 1
      const id = last
      return new Promise((resolve) => {
        const settle = (answer: Answer | undefined) => {
          clearTimeout(timer)
          open.delete(id)
          resolve(answer)
        }
        const timer = setTimeout(settle, limitMs, undefined).unref()
        open.set(id, settle)
        send(id)
      })
    },
    answer: (id, answer) => open.get(id)?.(answer),
  }
}
