/** S10: a slow consumer loses nothing and blocks no operation. */
import { breaksOf } from "../Mutation.ts"
import { driver, node, pagedSearches, pages, responseQueue, search } from "../sources.ts"

export const s10 = breaksOf(
  "S10",
  {
    file: pages,
    find: "this.cookie !== undefined && this.cookie.length > 0",
    replace: "true",
    test: "session/operations/paging",
    name: "retries end, and the first page is never retried",
    hangs: true,
    why: "a server that has no time for a search is asked again and again"
  },
  {
    file: pages,
    find: `reason._tag === "Busy"`,
    replace: "reason._tag === undefined",
    test: "session/operations/paging",
    name: "a page that a busy server refuses is requested again later",
    hangs: true,
    why: "half of an answer is lost to a server that needs another moment"
  },
  {
    file: pages,
    find: `givingUp !== "abandon" || !isSorted(this.#search)`,
    replace: "this.#search.pageSize !== 0",
    test: "session/operations/paging",
    name: "a page of a sorted search is read to its end, and its cookie is released",
    hangs: true,
    why: "slapd keeps a sorted search that can't be given back any more"
  },
  {
    file: driver,
    find: "        return this.#connection.pause()\n",
    replace: "        return\n",
    test: "session/flow",
    name: "stops the reading while no other operation waits, so the server has to wait",
    why: "an unread stream fills the memory"
  },
  {
    file: responseQueue,
    find: "    this.#driver.dispatch({ _tag: \"Take\", operation: this.operation, bytes })\n",
    replace: "",
    test: "session/flow",
    name: "a stream that is ended while the reading is stopped starts it again",
    why: "what was taken counts as unread, and the next wait is none"
  },
  {
    file: node,
    find: "  pause(): void {\n    this.#socket.pause()\n",
    replace: "  pause(): void {\n",
    test: "session/hostile/hostile",
    name: "40 MB of unread entries, which are read in the end",
    why: "the socket is read although no operation waits"
  },
  {
    file: search,
    find: "if (search.pageSize !== undefined) pages.close(unused)",
    replace: "if (search.pageSize !== undefined) pages.close(unused?.slice(0, 0) as never)",
    test: "session/interruption",
    name: "a paged search that ends between pages gives the server's cursor back",
    hangs: true,
    why: "the server keeps a cursor that isn't wanted any more"
  },
  {
    file: pages,
    find: `kind: "background", expects: "SearchResultDone", timeoutMillis }`,
    replace: `kind: "background", expects: "SearchResultDone", timeoutMillis: Infinity }`,
    test: "session/hostile/hostile",
    name: "silence in answer to the release of a cookie",
    hangs: true,
    why: "a cookie that is given back has no time limit, and a bind waits for its answer"
  },
  {
    file: pages,
    find:
      "const isIdle = isEmpty && next !== undefined && previous !== undefined && Buffer.compare(next, previous) === 0",
    replace: "const isIdle = isEmpty",
    test: "session/hostile/hostile",
    name: "many empty pages with other cookies, and an entry at last",
    hangs: true,
    why: "empty pages are an error although they lead on"
  },
  {
    file: pages,
    find: `return paged === undefined ? "unreadable" :`,
    replace: "return paged === undefined ? undefined :",
    test: "session/hostile/hostile",
    name: "a control for the next page that can't be read",
    why: "half of an answer passes for the whole"
  },
  {
    file: pages,
    find: "    if (pause === undefined) return this.#done()\n",
    replace: "    if (pause === undefined) return\n",
    test: "session/operations/pagedSearches",
    name: "S3: a waiting search fails when the session ends",
    why: "a search in pages whose cursor was given back keeps its place"
  },
  {
    file: pages,
    find: "    if (!(cookie instanceof Uint8Array) || cookie.length === 0) return leave()\n",
    replace: "    if (!(cookie instanceof Uint8Array) || cookie.length === 0) return\n",
    test: "session/operations/pagedSearches",
    name: "waits for a collected search to end",
    hangs: true,
    why: "a search in pages that was read to its end keeps its place"
  },
  {
    file: pages,
    find: "    this.#place.consumer = undefined\n",
    replace: "",
    test: "session/operations/pagedSearches",
    name: "a stream that ended early keeps its slot",
    hangs: true,
    why: "a search is refused although the stream before it has ended"
  },
  {
    file: pagedSearches,
    find: "return [...this.#running].some(({ consumer }) => consumer === fiber) ? \"refused\" : undefined",
    replace: "return undefined",
    test: "session/operations/pagedSearches",
    name: "a paged search for each entry of another one fails at once",
    hangs: true,
    why: "a search for each entry of a stream waits for itself"
  },
  {
    file: pages,
    find: "const timeoutMillis = Math.min(search.timeoutMillis, longestGiveBack)",
    replace: "const { timeoutMillis } = search",
    test: "session/operations/pagedSearches",
    name: "S10: the release of a cursor has 30 seconds",
    hangs: true,
    why: "a server that is silent keeps the place of a search for ever"
  },
  {
    file: pagedSearches,
    find: "if (this.#running.size < this.#most) {",
    replace: "if (this.#most > 0) {",
    test: "session/operations/pagedSearches",
    name: "beside a stream another one waits for its end",
    hangs: true,
    why: "more searches in pages run than the server keeps"
  },
  {
    file: pagedSearches,
    find: "    this.#waiting.delete(search)\n",
    replace: "",
    test: "session/operations/pagedSearches",
    name: "waiting counts against the time limit, and leaves nothing behind",
    hangs: true,
    why: "a search that doesn't wait any more gets a place"
  },
  {
    file: driver,
    find: "        return this.#connection.resume()\n",
    replace: "        return\n",
    test: "session/flow",
    name: "a stream that is ended while the reading is stopped starts it again",
    hangs: true,
    why: "reading that was stopped never goes on"
  },
  {
    file: search,
    find: "!asked.isComplete || asked.isEmpty || isSorted(search)) return",
    replace: "asked.isEmpty || isSorted(search)) return",
    test: "session/operations/paging",
    name: "a failed page ends the search",
    hangs: true,
    why: "the failure of a page is lost if it says where the next one starts"
  },
  {
    file: search,
    find: "        turn(asked, false)\n        ask()\n",
    replace: "        return\n",
    test: "session/flow",
    name: "a page comes while the last entries of the one before are consumed",
    hangs: true,
    why: "a page is asked for when the one before is consumed, and the consumer waits"
  },
  {
    file: search,
    find: "          isAsking = false\n          return Effect.andThen(Effect.sleep(pause), page)",
    replace: "          return Effect.andThen(Effect.sleep(pause), page)",
    test: "session/operations/paging",
    name: "an interruption before that releases the cursor: searchResult",
    hangs: true,
    why: "the cursor of a search that is interrupted between two attempts is not given back"
  },
  {
    file: pages,
    find: "const pause = isBusy(outcome) ? busyPauses[this.#tries] : undefined",
    replace: "const pause = this.#tries > 99 ? busyPauses[this.#tries] : undefined",
    test: "session/operations/paging",
    name: "a page of a sorted search is read to its end, and its cookie is released",
    hangs: true,
    why: "a cursor that a busy server didn't take back is kept"
  },
  {
    file: responseQueue,
    find: "    this.#isLeft = true\n",
    replace: "",
    test: "session/operations/paging",
    name: "a page of a sorted search is read to its end, and its cookie is released: a stream",
    hangs: true,
    why: "the cursor of a sorted stream is not given back"
  }
)
