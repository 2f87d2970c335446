import axios from 'axios'
import { createAuthRefresh } from 'axios-auth-refresh'

/** As the README of axios-auth-refresh has it. */
export function createClient(baseURL, tokens) {
  const client = axios.create({ baseURL })
  client.interceptors.request.use((config) => {
    config.headers.Authorization = `Bearer ${tokens.access_token}`
    return config
  })
  const refresh = async () => {
    const { refresh_token } = tokens
    Object.assign(tokens, (await axios.post(`${baseURL}/api/v1/auth/access_token`, { refresh_token })).data)
  }
  // By default it repeats the first of several refused calls and rejects the others.
  createAuthRefresh(client, refresh, { deduplicateRefresh: false })
  return client
}
