import { copyFileSync } from 'node:fs'
import type { Plugin } from 'vite'
import { defineConfig } from 'vite'
import { titles } from './src/titles.ts'

/** A copy of the document for each page, so that any server of files answers the address of a page, also after a reload. */
const pages: Plugin = {
  name: 'pages',
  apply: 'build',
  closeBundle() {
    for (const name of Object.keys(titles)) if (name) copyFileSync('dist/index.html', `dist/${name}.html`)
  },
}

const server = 'http://localhost:3000'

export default defineConfig({
  // Relative addresses: the application may lie below a path.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // An inlined file would be an address that the Content-Security-Policy forbids, and a preload runs a script that nothing needs.
  build: { assetsInlineLimit: 0, modulePreload: false },
  plugins: [pages],
  // With `npm run dev`, requests go to the server as if the application were there.
  server: { proxy: { '/api': server, '/mailbox': server, '/docs': server, '/problems': server } },
})
