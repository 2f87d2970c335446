/** Where we mean to differ: which rows, in which parts of the answer, and why. A row that stopped to differ is a failure. */
export const differences = []
