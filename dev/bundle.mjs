import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decode, encode } from '@jridgewell/sourcemap-codec'
import { build } from 'esbuild'

export const projectRoot = fileURLToPath(new URL('..', import.meta.url))
const source = join(projectRoot, 'src')
const output = join(projectRoot, 'dist')

/** The files of pages, and the code of threads, which the server reads where they lie beside the TypeScript. */
const foldersWithFiles = ['http', 'features', 'platform']

/** A module keeps the address that it has in src, although its code moves to another file: it reads files beside itself. */
const ownAddresses = {
  name: 'own-addresses',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      const address = `new URL(${JSON.stringify(relative(source, path).replace(/ts$/, 'js'))}, import.meta.url).href`
      return path.startsWith(source)
        ? { loader: 'ts', contents: text.replaceAll('import.meta.url', address) }
        : undefined
    })
  },
}

/** zod brings its messages in fifty languages; the server has its own messages. */
const englishZod = {
  name: 'english-zod',
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "export { default as en } from './en.js'" }))
  },
}

/** Prisma's query compiler as the bytes that it is, in place of a module that holds them as text. */
const binaryWasm = {
  name: 'binary-wasm',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /\.wasm-base64\.mjs$/ }, ({ path }) => ({
      contents: `import { readFileSync } from 'node:fs'
        import file from ${JSON.stringify(path.replace(/-base64\.mjs$/, ''))}
        export const wasm = readFileSync(new URL(file, import.meta.url))`,
    }))
    onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path, namespace: 'wasm' }))
    onLoad({ filter: /./, namespace: 'wasm' }, async ({ path }) => {
      const { wasm } = await import(`${path}-base64.mjs`)
      return { loader: 'file', contents: Buffer.from(wasm, 'base64') }
    })
  },
}

/** In Node 20, which has no navigator, pg would make a Response to find out on which platform it runs. That loads fetch. */
const pgWithoutResponse = {
  name: 'pg-without-response',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]pg[\\/]lib[\\/]stream\.js$/ }, async ({ path }) => ({
      contents: `const Response = undefined\n${await readFile(path, 'utf8')}`,
    }))
  },
}

/** The types are not checked here. */
const common = {
  absWorkingDir: projectRoot,
  outdir: output,
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'silent',
  write: false,
}

const commonJs = {
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { 'import.meta.url': 'ownUrl' },
  banner: { js: "const ownUrl = require('node:url').pathToFileURL(__filename).href;" },
}

/** One large file: finding and loading the 850 modules of the server and its libraries was a third of the CPU time of a start. */
const server = {
  ...common,
  entryPoints: { server: 'src/main.ts' },
  ...commonJs,
  // What is loaded on demand stays so within the file.
  supported: { 'dynamic-import': false },
  // bcrypt and argon2 find their compiled parts beside their own files; pg tries whether there is a pg-native; few servers keep traces.
  external: ['bcrypt', '@node-rs/argon2', 'pg-native', '@opentelemetry/*'],
  plugins: [ownAddresses, englishZod, binaryWasm, pgWithoutResponse],
}

/** For dev and bench, which start PostgreSQL by themselves. */
const parts = {
  ...common,
  entryPoints: { config: 'src/settings/config.ts', 'embedded-postgres': 'src/embedded-postgres/start.ts' },
  format: 'esm',
  external: server.external,
  plugins: [ownAddresses, englishZod, pgWithoutResponse],
  // For libraries in CommonJS that load modules of Node.
  banner: {
    js: "import { createRequire as createRequireOfNode } from 'node:module'; const require = createRequireOfNode(import.meta.url);",
  },
}

/** The files that node runs, and what they share with dev/code-cache.mjs. */
const entries = {
  ...common,
  entryPoints: ['src/start.ts', 'src/start-worker.ts', 'src/load-bundle.ts'],
  ...commonJs,
  plugins: [ownAddresses],
}

/** Writes dist, once all of it can be compiled. Running servers have loaded what they need of an earlier build, but for the code of threads, without which they work too. */
export async function bundle({ keepOld }) {
  const outputs = await Promise.all([server, parts, entries].map(build))
  if (!keepOld) await rm(output, { recursive: true, force: true })
  await mkdir(output, { recursive: true })
  await Promise.all(
    outputs
      .flatMap(({ outputFiles }) => outputFiles)
      .map((file) => writeFile(file.path, file.path.endsWith('.map') ? withoutLibraries(file.text) : file.contents)),
  )
  await Promise.all(foldersWithFiles.map(copyFiles))
}

/** The source map of the server's own lines. Those of its libraries are six times as many, and the first error would wait for them. */
function withoutLibraries(text) {
  const map = JSON.parse(text)
  const isOwn = map.sources.map((path) => !path.includes('node_modules/'))
  const ownSegments = (segments) =>
    segments.flatMap((segment, index) => {
      if (isOwn[segment[1]]) return [segment]
      // The end of the lines before it.
      return index > 0 && isOwn[segments[index - 1][1]] ? [[segment[0]]] : []
    })
  return JSON.stringify({ ...map, mappings: encode(decode(map.mappings).map(ownSegments)) })
}

async function copyFiles(folder) {
  await cp(join(source, folder), join(output, folder), { recursive: true, filter: (path) => !path.endsWith('.ts') })
}
