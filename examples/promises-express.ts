/**
 * In Express: `node examples/promises-express.ts` (with `npm install express`).
 *
 * One runtime for the application, `runPromise` in a handler, `dispose` when the server closes. promises.md has the rest.
 */
import express from "express"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { InMemoryDirectory } from "../src/testing.ts"
import { ask, hostOf, makeRuntime } from "./data/host.ts"

const runtime = makeRuntime()
const app = express()

app.get("/hosts/:uid", (request, response, next) => {
  // If the client disconnects, the effect is interrupted, and its search is abandoned.
  const gone = new AbortController()
  response.on("close", () => gone.abort())
  runtime.runPromise(hostOf(request.params.uid), { signal: gone.signal }).then(
    ({ status, text }) => response.status(status).send(text),
    (error: unknown) => gone.signal.aborted ? undefined : next(error)
  )
})

const server = app.listen(0, "127.0.0.1")
await once(server, "listening")
await ask("Express", (server.address() as AddressInfo).port)

// In a real program, call this on SIGTERM.
server.close()
server.closeAllConnections()
const { log } = await runtime.runPromise(InMemoryDirectory.InMemoryDirectory)
await runtime.dispose()
console.log(`Express ${log.unbinds} unbind, ${log.openConnections} connections left`)
