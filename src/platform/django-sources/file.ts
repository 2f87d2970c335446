import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { StartError } from '../../kernel/errors.ts'

export interface SourceFile {
  /** The text from its beginning, in pieces. */
  readonly read: () => AsyncIterable<string>
  readonly portion: () => number
  readonly close: () => Promise<void>
}

/** Throws a StartError when the file cannot be read. */
export async function openFile(path: string): Promise<SourceFile> {
  const handle = await openHandle(path)
  const { size } = await handle.stat()
  const stream = handle.createReadStream({ highWaterMark: 1 << 20 })
  return {
    read: () => decode(stream),
    portion: () => Math.min(1, stream.bytesRead / Math.max(1, size)),
    close: async () => void stream.destroy(),
  }
}

/** The text without the byte order mark that spreadsheets write. Throws a StartError where it is in another encoding than UTF-8. */
async function* decode(pieces: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const textOf = (piece?: Buffer) => {
    try {
      return decoder.decode(piece, { stream: piece !== undefined })
    } catch (cause) {
      throw new StartError('The file of --from is not in UTF-8: write it in that encoding', { cause })
    }
  }
  for await (const piece of pieces) yield textOf(piece)
  yield textOf()
}

async function openHandle(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (cause) {
    throw new StartError(`The file of --from cannot be read: ${(cause as Error).message}`, { cause })
  }
}
