/** Why a user is not taken as Django has it. */
export const problems = {
  id_invalid: 'the id is empty, negative or larger than 53 bits hold',
  id_repeated: 'the id is there more than once',
  id_in_use: 'the id is that of another user here',
  id_of_another: 'the id is that of another user in an earlier import, with another username and another address',
  uuid_in_use: 'the UUID is that of another user here, or is there more than once',
  email_missing: 'there is no address',
  email_invalid: 'the address is none, or too long',
  email_repeated: 'several users have this address, in any case of letters',
  email_in_use: 'the address is that of another user here',
  username_invalid: 'the username has spaces or other characters that usernames here have not, or is too long',
  username_is_address: 'the username is an address, and not that of the user',
  username_repeated: 'several users have this username, without regard to case and width',
  username_in_use: 'the username is that of another user here',
} as const

export type Problem = keyof typeof problems
