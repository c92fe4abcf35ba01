/**
 * In Fastify: `node examples/promises-fastify.ts` (with `npm install fastify`).
 *
 * One runtime for the application, `runPromise` in a handler, `dispose` in the hook `onClose`. promises.md has the rest.
 */
import { fastify } from "fastify"
import type { AddressInfo } from "node:net"
import { InMemoryDirectory } from "../src/testing.ts"
import { ask, hostOf, makeRuntime } from "./data/host.ts"

const runtime = makeRuntime()
const app = fastify()
app.addHook("onClose", () => runtime.dispose())

// `request.signal` aborts if the client disconnects: the effect is interrupted, and its search is abandoned.
app.get<{ Params: { uid: string } }>("/hosts/:uid", async (request, reply) => {
  const { status, text } = await runtime.runPromise(hostOf(request.params.uid), { signal: request.signal })
  return reply.code(status).send(text)
})

await app.listen({ port: 0, host: "127.0.0.1" })
await ask("Fastify", (app.server.address() as AddressInfo).port)

const { log } = await runtime.runPromise(InMemoryDirectory.InMemoryDirectory)
await app.close()
console.log(`Fastify ${log.unbinds} unbind, ${log.openConnections} connections left`)
