// Loaded before a process (NODE_OPTIONS=--import=…): its clock stands still, and goes on by two seconds at SIGWINCH, which it confirms.
let instant = Date.now()
Date.now = () => instant

process.on('SIGWINCH', () => {
  instant += 2000
  console.error('two seconds later')
})
