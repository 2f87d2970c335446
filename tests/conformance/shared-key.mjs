// A Django service with SimpleJWT that has been given the key for access tokens, and no other.
import { createHmac, hkdfSync } from 'node:crypto'
import { post, startReference } from './sides.mjs'
import { password } from './views.mjs'

/** The answers of each side to tokens of the other, and whether they are intended. */
export async function sharedKeyRows(ours) {
  const key = await ours.printedKey()
  const settings = { ACCESS_TOKEN_KEY: key, ISSUER: ours.publicUrl, AUDIENCE: ours.publicUrl }
  const service = await startReference('verifier', settings)
  // As the documentation has services verify while this server moves to another address.
  const moving = await startReference('verifier', {
    ACCESS_TOKEN_KEY: key,
    AUDIENCE: `https://new.example.com,${ours.publicUrl}`,
  })
  const elsewhere = await startReference('verifier', { ACCESS_TOKEN_KEY: key, AUDIENCE: 'https://new.example.com' })
  const credentials = { username: 'ada-shared-key', email: 'ada-shared-key@example.com', password }
  const registered = await ours.send({ ...post('/api/v1/auth/register_credentials', credentials), from: '10.9.0.1' })
  const { access_token: access, refresh_token: refresh, user } = JSON.parse(registered.text)

  const there = (token, at = service) =>
    at.send({ method: 'GET', path: '/whoami/', headers: { authorization: `Bearer ${token}` } })
  const here = (token) =>
    ours.send({ ...post('/api/v1/auth/access_token', { refresh_token: token }), from: '10.9.0.2' })
  const derived = Buffer.from(hkdfSync('sha256', key, '', 'auth-server refresh token', 32))

  const openSession = await there(access)
  const row = (what, { status }, isMeant) => ({ title: `shared key: ${what}`, status, isMeant })
  const refused = (what, answer) => row(what, answer, answer.status === 401)
  return [
    row('an access token tells there who calls', openSession, JSON.parse(openSession.text).user_id === user.id),
    row('an access token is taken there by one of several audiences', await there(access, moving), true),
    refused('an access token for another audience is refused there', await there(access, elsewhere)),
    refused('a refresh token is refused there', await there(refresh)),
    refused('a token of another key is refused there', await there(signed(access, 'a key that was never given away'))),
    refused('a refresh token made with the key is refused here', await here(signed(refresh, key))),
    refused('a refresh token of a key derived from it is refused here', await here(signed(refresh, derived))),
  ]
}

/** The token with another signature. */
function signed(token, key) {
  const content = token.split('.').slice(0, 2).join('.')
  return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`
}
