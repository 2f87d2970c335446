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
  const stream = handle.createReadStream({ encoding: 'utf8', highWaterMark: 1 << 20 })
  return {
    read: () => withoutByteOrderMark(stream),
    portion: () => Math.min(1, stream.bytesRead / Math.max(1, size)),
    close: async () => void stream.destroy(),
  }
}

/** Spreadsheets write the mark, and no column is named so. */
async function* withoutByteOrderMark(pieces: AsyncIterable<string>): AsyncIterable<string> {
  let isFirst = true
  for await (const piece of pieces) {
    yield isFirst ? piece.replace(/^\ufeff/, '') : piece
    isFirst = false
  }
}

async function openHandle(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (cause) {
    throw new StartError(`The file of --from cannot be read: ${(cause as Error).message}`, { cause })
  }
}
