import { readdirSync, readFileSync } from 'node:fs'

const compose = readFileSync('compose.yaml', 'utf8')
const dockerfile = readFileSync('Dockerfile', 'utf8')
const workflows = readdirSync('.github/workflows').map((name) => readFileSync(`.github/workflows/${name}`, 'utf8'))

const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, value = '']) => value)
const images = [
  ...found(compose, /^\s+image: *(.+)$/gm),
  ...found(dockerfile, /^ARG \w*IMAGE=(.+)$/gm),
  ...found(dockerfile, /^FROM (?!\$)(\S+)/gm),
]
const actions = workflows.flatMap((text) => found(text, /\buses: *(.+)$/gm))

describe('images and actions that are fetched to build and to try the server out', () => {
  it('pins each container image by version and digest', () => {
    expect(images.length).toBeGreaterThanOrEqual(3)
    for (const image of images) expect(image).toMatch(/^[\w./-]+:v?\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}$/)
  })

  it('pins each action by commit, with its version beside it', () => {
    expect(actions.length).toBeGreaterThanOrEqual(2)
    for (const action of actions) expect(action).toMatch(/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  // Before 1.30.6 any web page can read the mails of a Mailpit on the same machine (CVE-2026-22689, GHSA-8r62-w5wh-fc5m).
  it('has a mail catcher that lets no web page read the mails', () => {
    const [version = ''] = found(compose, /axllent\/mailpit:v([\d.]+)/g)
    expect(version.localeCompare('1.30.6', 'en', { numeric: true })).toBeGreaterThanOrEqual(0)
  })

  it('has Renovate pin and update images and actions', () => {
    const { extends: presets } = JSON.parse(readFileSync('.github/renovate.json', 'utf8'))
    expect(presets).toContain('config:best-practices')
  })
})
