const key = 'last-address'

/** The address for which a mail was asked in this tab: password managers want to know whose password is set. */
export function lastAddress(): string {
  try {
    return sessionStorage.getItem(key) ?? ''
  } catch {
    return ''
  }
}

export function rememberAddress(address: string): void {
  try {
    sessionStorage.setItem(key, address)
  } catch {
    // The storage is full or forbidden, and nothing depends on it.
  }
}
