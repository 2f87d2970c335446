import { readPageFile } from '../../kernel/page-files.ts'

/** The browser's side of a mailed token, which the scripts of the pages import. */
export const mailTokenScript = readPageFile('mail-token.js', import.meta.url)
