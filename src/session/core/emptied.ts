/** An array with more items than this isn't kept: its memory would stay for as long as the session. */
const long = 64

/**
 * An array without the items, for those that come next: mostly the same, with its memory. The first item of a new array takes room for 17,
 * 152 bytes, and so does that of an array whose length was set to 0.
 */
export const emptied = <A>(items: Array<A>): Array<A> => {
  if (items.length > long) return []
  while (items.length > 0) items.pop()
  return items
}
