/** Where the refresh token is. With the transport `cookie` it is in no store: the browser keeps it from scripts. */
export interface RefreshTokenStore {
  read(): string | undefined
  /** In this tab alone. */
  remember(token: string | undefined): void
  write(token: string | undefined): void
}

/** In memory and, if a key is given, in localStorage, as far as that can be used: it may be full or forbidden. */
export function createRefreshTokenStore(key: string | undefined): RefreshTokenStore {
  let inMemory: string | undefined

  function attempt<Result>(use: (storage: Storage, key: string) => Result): Result | undefined {
    try {
      // Where it is forbidden, naming it throws.
      return key === undefined ? undefined : use(localStorage, key)
    } catch {
      return undefined
    }
  }

  return {
    // Another tab may have replaced the one in memory.
    read: () => attempt((storage, name) => storage.getItem(name)) ?? inMemory,

    remember(token) {
      inMemory = token
    },

    write(token) {
      inMemory = token
      const isStored = token !== undefined && attempt((storage, name) => storage.setItem(name, token) ?? true)
      // An old one that stays where the new one found no room would look like a copy, and end the session.
      if (!isStored) attempt((storage, name) => storage.removeItem(name))
    },
  }
}
