// Loaded before a process (NODE_OPTIONS=--import=…): SIGUSR2 makes it throw where nothing catches, SIGWINCH reject where nothing waits.
process.on('SIGUSR2', () => {
  throw new Error('thrown by the test')
})
process.on('SIGWINCH', () => {
  void Promise.reject(new Error('rejected by the test'))
})
