// A worker ends with Jest, whatever its tests have left open.
process.once('disconnect', () => process.exit())
