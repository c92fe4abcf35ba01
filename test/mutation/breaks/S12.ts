/** S12: nothing that a peer does costs without bound. */
import { breaksOf } from "../Mutation.ts"
import { bind, notices, pages, pending, responseQueue, search, settings } from "../sources.ts"

export const s12 = breaksOf(
  "S12",
  {
    file: pages,
    find: "this.#idle === mostIdlePages",
    replace: "this.#idle === 10_000_000",
    test: "session/hostile/hostile",
    name: "empty pages with the same cookie, for ever",
    hangs: true,
    why: "a server can keep a search going for ever"
  },
  {
    file: pages,
    find: "this.#empty === mostEmptyPages",
    replace: "this.#empty === 10_000_000",
    test: "session/bounds",
    name: "come to an end although each has another cookie",
    hangs: true,
    why: "empty pages with other cookies come for ever"
  },
  {
    file: search,
    find: "        received += asked.operation.entries\n",
    replace: "",
    test: "session/bounds",
    name: "are counted over all pages: stream",
    hangs: true,
    why: "each page of a stream has the whole size limit again"
  },
  {
    file: search,
    find: "const entryLimit = entryLimitOf(search, into.entries.length)",
    replace: "const entryLimit = entryLimitOf(search, 0)",
    test: "session/bounds",
    name: "are counted over all pages: collected",
    hangs: true,
    why: "each page has the whole size limit again"
  },
  {
    file: search,
    find: "  if (controls.some(({ oid }) => unlimitedControls.has(oid))) return undefined\n",
    replace: "",
    test: "session/bounds",
    name: "a base search may have more than one",
    why: "a persistent search ends at the second change"
  },
  {
    file: search,
    find: `oneEntry: EntryLimit = { entries: 1, by: "scope" }`,
    replace: `oneEntry: EntryLimit = { entries: 1_000_000, by: "scope" }`,
    test: "session/bounds",
    name: "a second one for a base search is a ProtocolViolation",
    hangs: true,
    why: "a base search may bring any number of entries"
  },
  {
    file: search,
    find: `{ entries: 1 - received, by: "scope" }`,
    replace: "oneEntry",
    test: "session/bounds",
    name: "after one on the first, is a ProtocolViolation: stream",
    why: "a base search may bring an entry on each page"
  },
  {
    file: settings,
    find: "maxUnread: options.maxUnread ?? 32 * 1024 * 1024",
    replace: "maxUnread: Infinity",
    test: "session/bounds",
    name: "is abandoned beyond maxUnread",
    hangs: true,
    why: "what a stream holds unread has no limit"
  },
  {
    file: responseQueue,
    find: "      maxUnread: driver.maxUnread\n",
    replace: "      maxUnread: Infinity\n",
    test: "session/bounds",
    name: "is abandoned beyond maxUnread",
    hangs: true,
    why: "streams aren't given the limit of what they hold unread"
  },
  {
    file: pending,
    find: `return outcome.limit.by === "sizeLimit"`,
    replace: `return outcome.limit.by === "scope"`,
    test: "session/bounds",
    name: "S12: more entries than requested",
    why: "the error names the wrong limit"
  },
  {
    file: notices,
    find: `bufferSize: kept, strategy: "sliding"`,
    replace: `bufferSize: kept, strategy: "dropping"`,
    test: "session/driver/notices",
    name: "a subscriber that reads slowly loses the oldest",
    why: "a slow subscriber loses the newest notices"
  },
  {
    file: notices,
    find: `bufferSize: kept, strategy: "sliding"`,
    replace: "bufferSize: Infinity",
    test: "session/driver/notices",
    name: "a subscriber that reads slowly loses the oldest",
    why: "unread notices fill the memory"
  },
  {
    file: bind,
    find: "within(driver, context, timeoutMillis, detached(password)), (current)",
    replace: "detached(password), (current)",
    test: "session/bounds",
    name: "fail the bind at its time limit; nothing was sent, and the session goes on: simple",
    hangs: true,
    why: "a bind waits for ever for its password"
  }
)
