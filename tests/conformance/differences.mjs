/**
 * The intended differences: the rows, the first part of the answer that differs (what follows from it may differ too)
 * and why. A row that is named here and does not differ any more is a failure: remove it then.
 */
export const differences = [
  {
    rows: /: another Accept$/,
    part: 'status',
    reason: 'the answer is JSON, or a page, whatever the client accepts',
  },
  {
    rows: /: body: a fraction$/,
    part: 'body',
    reason: 'JSON has one kind of number, Python two',
  },
  {
    rows: /: (?:username|email|(?:new_)?password): (?:a NUL|half a) character$/,
    only: /register\/: (?:username|email):|reset|drf: POST \/login\/ by email: email:/,
    part: 'body',
    reason: 'one message per field, where the framework gives all it finds',
  },
  {
    rows: /reset.*: (?:new_)?password: (?:a number|a fraction|only spaces)$/,
    part: 'body',
    reason: 'the mailed token is judged before the new password',
  },
  {
    rows: /(?:register|change-password)\/: (?:(?:new|old|current)_)?password: only spaces$/,
    part: 'body',
    reason: 'spaces around a password belong to it',
  },
  {
    rows: /: (?:password2|password_confirm|new_password_confirm): only spaces$/,
    part: 'body',
    reason: 'spaces around a password belong to it',
  },
  {
    rows: /reset.*: new_password_confirm: spaces around it$/,
    part: 'body',
    reason: 'spaces around a password belong to it',
  },
  {
    rows: /: (?:(?:old|current)_password|password2|password_confirm|new_password_confirm): spaces around it$/,
    part: 'status',
    reason: 'spaces around a password belong to it',
  },
  {
    rows: /login.*: password: (?:only spaces|spaces around it)$/,
    part: 'status',
    reason: 'spaces around a password belong to it',
  },
  {
    rows: /: an address with (?:localhost for a domain|an address literal|an IP address for a domain)$/,
    part: 'status',
    reason: 'a mailbox is at a domain, which has a dot and does not end with a number',
  },
  {
    rows: /: an address with a quoted local part$/,
    part: 'status',
    reason: 'quoted local parts are refused',
  },
  {
    rows: /: an address with a local part of 65 characters$/,
    part: 'status',
    reason: 'a local part has 64 characters at most (RFC 5321, section 4.5.3.1.1)',
  },
  {
    rows: /: phone_number: (?:a number|a fraction)$/,
    part: 'status',
    reason: 'a phone number names its country, unless PHONE_DEFAULT_COUNTRY does',
  },
  {
    rows: /: a phone number (?:without a country|that is too short)$|: words for a phone number$/,
    part: 'status',
    reason: 'a phone number is one that can be read',
  },
  {
    rows: /: timezone: (?:a number|a fraction)$/,
    part: 'status',
    reason: 'a time zone is one that exists',
  },
  {
    rows: /: the same in capitals$/,
    part: 'status',
    reason: 'usernames that differ in case alone are one',
  },
  {
    rows: /^rest-auth: .*: an address that is taken$/,
    part: 'status',
    reason: 'an answer does not tell who has an account',
  },
  {
    rows: /^(?:simple-jwt|drf): .*: an inactive user$/,
    part: 'status',
    reason: 'an unverified user is refused only where verification is required',
  },
  {
    rows: /: refresh(?:_token)?: one of the other kind$/,
    part: 'body',
    reason: 'an access token is no refresh token at all: they have different keys',
  },
  {
    rows: /: credentials: a refresh token$/,
    part: 'body',
    reason: 'a refresh token is no access token at all: they have different keys',
  },
  {
    rows: /: credentials: the scheme in lower case$/,
    part: 'status',
    reason: 'schemes are read without regard to case (RFC 9110, section 11.1)',
  },
  {
    rows: /: credentials: the token of a session that logged out$/,
    part: 'status',
    reason: 'logging out revokes the access tokens as well',
  },
  {
    rows: /token\/verify\/: token: one of a session that logged out$/,
    part: 'status',
    reason: 'logging out revokes the access tokens as well',
  },
  {
    rows: /logout\/: refresh(?:_token)?: (?:an expired one|one of a session that logged out)$/,
    part: 'status',
    reason: 'logging out is done when the session is over',
  },
  {
    rows: /^(?:simple-jwt|drf): .*logout\/: refresh(?:_token)?: one that was used$/,
    part: 'status',
    reason: 'a logout with the token before the last means this session',
  },
  {
    rows: /: FOO .*: another method/,
    part: 'status',
    reason: 'Node knows the registered methods only and refuses others before they have a path',
  },
  {
    rows: /: OPTIONS .*: another method/,
    part: 'status',
    reason: 'OPTIONS answers Allow and describes nothing: the documents do',
  },
  {
    rows: /: HEAD \/(?:verify-email|password-reset-confirm).*: another method$/,
    part: 'status',
    reason: 'the links in mails lead to pages, and HEAD spends no token',
  },
  {
    rows: /: another method, without a token$/,
    only: /^[\w-]+: (?!HEAD \/(?:profile|protected|me)\/)/,
    part: 'status',
    reason: 'a method that is not there is refused before authentication',
  },
  {
    rows: /: nothing is there$/,
    part: 'content-type',
    reason: 'Django answers a page outside its views; we answer what they answer',
  },
]
