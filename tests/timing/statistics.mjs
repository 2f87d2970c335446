/** The value in the middle. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * How likely one of the first is longer than one of the others, ties counting half: the area under the curve of the
 * best test by a threshold, which is Mann and Whitney's U as a share. At 0.5 the two cannot be distinguished.
 */
export function rankAuc(values, others) {
  const all = [...values.map((value) => ({ value, mine: 1 })), ...others.map((value) => ({ value, mine: 0 }))]
  all.sort((a, b) => a.value - b.value)
  let rankSum = 0
  for (let start = 0, end = 0; start < all.length; start = end) {
    while (end < all.length && all[end].value === all[start].value) end += 1
    const rank = (start + 1 + end) / 2
    for (let index = start; index < end; index += 1) rankSum += rank * all[index].mine
  }
  return (rankSum - (values.length * (values.length + 1)) / 2) / (values.length * others.length)
}

/** The items in random order. */
export function shuffled(items) {
  const order = [...items]
  for (let last = order.length - 1; last > 0; last -= 1) {
    const chosen = Math.floor(Math.random() * (last + 1))
    ;[order[last], order[chosen]] = [order[chosen], order[last]]
  }
  return order
}
