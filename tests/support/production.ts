/** The settings that production demands, without a database and a key. */
export const productionSettings = {
  NODE_ENV: 'production',
  RATE_LIMITS: 'on',
  BCRYPT_COST: '10',
  PUBLIC_URL: 'https://auth.example.com',
  FRONTEND_URL: 'https://app.example.com',
  EMAIL_HOST: '127.0.0.1',
  DEFAULT_FROM_EMAIL: 'auth@example.com',
}
