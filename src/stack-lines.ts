import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, resolve } from 'node:path'

/**
 * From now on the stack of an error names the lines of the TypeScript in place of those of the bundle. The map is read at the first such
 * error. Node would read it at each start, and not at all for a script that is run.
 */
export function nameLinesOfSource(bundle: string): void {
  let map: SourceMap | null | undefined

  /** Null where it is gone: the stack of an error must not fail. */
  function readMap(): SourceMap | null {
    try {
      return new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')))
    } catch {
      return null
    }
  }

  function placeOf(line: number, column: number): string | undefined {
    if (map === undefined) map = readMap()
    const entry = map?.findEntry(line - 1, column - 1)
    if (!entry || !('originalSource' in entry) || !entry.originalSource) return undefined
    return `${resolve(dirname(bundle), entry.originalSource)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
  }

  function describe(frame: NodeJS.CallSite): string {
    const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()]
    if (frame.getFileName() !== bundle || line === null || column === null) return String(frame)
    return String(frame).replace(`${bundle}:${line}:${column}`, (compiled) => placeOf(line, column) ?? compiled)
  }

  Error.prepareStackTrace = (error, frames) =>
    [Error.prototype.toString.call(error), ...frames.map((frame) => `at ${describe(frame)}`)].join('\n    ')
}
