// Ends a worker with Jest, even if its tests have left something open.
process.once('disconnect', () => process.exit())
