import { useReducer, useState } from 'react'
import AuthProvider from 'react-auth-kit'
import createRefresh from 'react-auth-kit/createRefresh'
import createStore from 'react-auth-kit/createStore'
import useAuthHeader from 'react-auth-kit/hooks/useAuthHeader'
import useAuthUser from 'react-auth-kit/hooks/useAuthUser'
import useSignIn from 'react-auth-kit/hooks/useSignIn'
import useSignOut from 'react-auth-kit/hooks/useSignOut'
import { createRoot } from 'react-dom/client'

const server = new URLSearchParams(window.location.search).get('server')

async function post(path, body) {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${server}/api/v1/auth${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return response.json()
}

const refresh = createRefresh({
  // Minutes.
  interval: 10,
  refreshApiCallback: async ({ refreshToken }) => {
    const tokens = await post('/access_token', { refresh_token: refreshToken })
    return {
      isSuccess: tokens.access_token !== undefined,
      newAuthToken: tokens.access_token,
      newRefreshToken: tokens.refresh_token,
    }
  },
})

function Account({ onChange }) {
  const user = useAuthUser()
  const header = useAuthHeader()
  const signIn = useSignIn()
  const signOut = useSignOut()
  const [answer, setAnswer] = useState('')

  async function logIn() {
    const { username, password } = window.credentials
    const body = await post('/login_credentials', { username, password })
    const auth = { token: body.access_token, type: 'Bearer' }
    signIn({ auth, refresh: body.refresh_token, userState: { username: body.user.username } })
    onChange()
  }
  function logOut() {
    signOut()
    onChange()
  }
  async function ask() {
    const { status } = await fetch(`${server}/api/v1/auth/session`, { headers: { Authorization: header } })
    setAnswer(`answered ${status}`)
  }
  return (
    <main>
      <p>{user?.username ?? 'logged out'}</p>
      <p>{answer}</p>
      <button type="button" onClick={logIn}>
        Log in
      </button>
      <button type="button" onClick={ask}>
        Ask
      </button>
      <button type="button" onClick={logOut}>
        Leave
      </button>
    </main>
  )
}

const store = createStore({ authName: 'auth', authType: 'localstorage', refresh })

/** react-auth-kit renders nothing anew by itself, as applications go to another page after a login. */
function App() {
  const [, render] = useReducer((count) => count + 1, 0)
  return (
    <AuthProvider store={store}>
      <Account onChange={render} />
    </AuthProvider>
  )
}

createRoot(document.getElementById('root')).render(<App />)
