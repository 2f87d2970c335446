import type { FaultProxy, ProxiedConnection } from './fault-proxy.ts'
import { startFaultProxy } from './fault-proxy.ts'

/** A proxy between a server and its database that a test can break, and that counts statements. */
export interface DatabaseProxy extends FaultProxy {
  readonly url: string
  /** The number of statements sent so far. */
  executed(): number
  /** Breaks the statement that comes so many statements after the next one. `mend` forgets it. */
  breakStatement(index: number, fault: StatementFault): BrokenStatement
}

/** Breaks a statement. It is passed on afterwards unless the answer is `drop`. */
export type StatementFault = (statement: ProxiedStatement) => Promise<'drop' | undefined> | 'drop' | undefined

interface ProxiedStatement extends ProxiedConnection {
  /** Answers with this error of PostgreSQL in place of it. */
  refuse(sqlstate: string): void
  /** Lets it be carried out and breaks the connection in place of the answer. */
  loseAnswer(): void
}

interface BrokenStatement {
  /** Whether the statement has come. */
  happened(): boolean
}

interface State {
  readonly count: (chunk: Buffer) => void
  /** `I` outside of a transaction, `T` in one, `E` in one that failed. */
  transaction: string
  losesAnswer: boolean
}

export async function startDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const url = new URL(databaseUrl)
  const states = new WeakMap<ProxiedConnection, State>()
  let statements = 0
  let broken: { readonly at: number; readonly fault: StatementFault; hasHappened: boolean } | undefined

  function stateOf(connection: ProxiedConnection): State {
    const state = states.get(connection) ?? {
      count: statementCounter(() => statements++),
      transaction: 'I',
      losesAnswer: false,
    }
    states.set(connection, state)
    return state
  }

  const proxy = await startFaultProxy(
    { host: url.hostname, port: Number(url.port) },
    (bytes, direction, connection) => {
      const state = stateOf(connection)
      if (direction === 'down') {
        // An answer ends with ReadyForQuery: a type, a length of five and the state.
        if (bytes.at(-6) === 'Z'.charCodeAt(0)) state.transaction = String.fromCharCode(bytes.at(-1) ?? 0)
        if (!state.losesAnswer) return undefined
        connection.reset()
        return 'drop'
      }
      state.count(bytes)
      if (!broken || broken.hasHappened || statements <= broken.at) return undefined
      broken.hasHappened = true
      return broken.fault({
        sourcePort: connection.sourcePort,
        reset: connection.reset,
        silence: connection.silence,
        answer: connection.answer,
        refuse: (sqlstate) => connection.answer(refusal(sqlstate, state.transaction === 'I' ? 'I' : 'E')),
        loseAnswer() {
          state.losesAnswer = true
        },
      })
    },
  )
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  return {
    ...proxy,
    url: url.href,
    executed: () => statements,
    breakStatement(index, fault) {
      const one = { at: statements + index, fault, hasHappened: false }
      broken = one
      return { happened: () => one.hasHappened }
    },
    async mend() {
      broken = undefined
      await proxy.mend()
    },
  }
}

/** ErrorResponse and ReadyForQuery. */
function refusal(sqlstate: string, transaction: string): Buffer {
  const fields = `SERROR\0VERROR\0C${sqlstate}\0Mrefused by the test\0\0`
  const bytes = Buffer.alloc(5 + fields.length + 6)
  bytes.write('E')
  bytes.writeInt32BE(4 + fields.length, 1)
  bytes.write(fields, 5)
  bytes.write('Z', 5 + fields.length)
  bytes.writeInt32BE(5, 6 + fields.length)
  bytes.write(transaction, 10 + fields.length)
  return bytes
}

/** The first message of a client that asks for TLS. */
const tlsRequest = 80_877_103

/** Reads the messages of a PostgreSQL client: a type, a length and so many bytes; the first message has no type. */
function statementCounter(onStatement: () => void): (chunk: Buffer) => void {
  let unread = Buffer.alloc(0)
  let typeLength = 0
  return (chunk) => {
    unread = Buffer.concat([unread, chunk])
    while (unread.length >= typeLength + 4) {
      const length = typeLength + unread.readUInt32BE(typeLength)
      if (unread.length < length) return
      // Query and Execute.
      if (typeLength === 1 && 'QE'.includes(String.fromCharCode(unread[0] ?? 0))) onStatement()
      const asksForTls = typeLength === 0 && unread.readUInt32BE(4) === tlsRequest
      unread = unread.subarray(length)
      typeLength = asksForTls ? 0 : 1
    }
  }
}
