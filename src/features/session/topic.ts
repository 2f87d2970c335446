/** The heading that documents give to endpoints about sessions, those that open one included. */
export const sessionTopic = {
  name: 'Sessions',
  description: 'Logging in and out, tokens, and where a user is logged in.',
}
