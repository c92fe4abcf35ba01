/** One version of the client, in a process of its own, that does the rounds of `load.ts`. Its argument is the folder of the sources. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { pathToFileURL } from "node:url"
import type * as Auth from "../../src/auth/LdapAuth.ts"
import type * as Client from "../../src/client/LdapClient.ts"
import { admin, people, personDn } from "./servers/directory.ts"

export type Order =
  | { readonly work: "beside"; readonly url: string; readonly lookups: number }
  | { readonly work: "crowd"; readonly url: string; readonly fibers: number; readonly each: number }

/** In milliseconds. */
export interface Waits {
  readonly p50: number
  readonly p99: number
  readonly most: number
}

export interface Beside {
  readonly alone: Waits
  readonly crowded: Waits
  /** MB a second, by the size of the entries. */
  readonly exported: number
}

export interface Crowd {
  readonly perSecond: number
  readonly cpuMicros: number
  readonly waits: Waits
}

export type Figures = Beside | Crowd

const sources = process.argv[2]!
const load = (path: string) => import(pathToFileURL(`${sources}/${path}`).href)
const LdapAuth = (await load("auth/LdapAuth.ts")) as typeof Auth
const LdapClient = (await load("client/LdapClient.ts")) as typeof Client

/** Entries of the directory that are looked up, and the size of an entry in bytes. */
const known = 2000
const entryBytes = 580

const scope = Scope.makeUnsafe()
const clients = new Map<string, Client.LdapClient>()

const clientOf = (url: string): Effect.Effect<Client.LdapClient, unknown> =>
  Effect.suspend(() => {
    const client = clients.get(url)
    if (client !== undefined) return Effect.succeed(client)
    const auth = LdapAuth.simple(admin.dn, Redacted.make(admin.password))
    return Effect.tap(
      Scope.provide(LdapClient.make({ url, auth, allowInsecureAuth: true }), scope),
      (client) => Effect.sync(() => clients.set(url, client))
    )
  })

const waitsOf = (millis: ReadonlyArray<number>): Waits => {
  const sorted = millis.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
  return { p50: at(0.5), p99: at(0.99), most: sorted.at(-1)! }
}

const timed = <E>(lookup: Effect.Effect<unknown, E>, into: Array<number>): Effect.Effect<void, E> =>
  Effect.suspend(() => {
    const begun = performance.now()
    return Effect.map(lookup, () => void into.push(performance.now() - begun))
  })

const lookUp = (client: Client.LdapClient, i: number) =>
  client.lookup(personDn((i * 7) % known), { attributes: ["uid", "mail"] })

const oneAfterAnother = Effect.fnUntraced(function*(client: Client.LdapClient, lookups: number) {
  const waits: Array<number> = []
  for (let i = 0; i < lookups; i++) yield* timed(lookUp(client, i), waits)
  return waitsOf(waits)
})

const beside = Effect.fnUntraced(function*(client: Client.LdapClient, lookups: number) {
  const alone = yield* oneAfterAnother(client, lookups)
  let entries = 0
  const reading = client.search({ base: people, pageSize: 500 }).pipe(
    Stream.runForEach(() => Effect.sync(() => void entries++))
  )
  const begun = performance.now()
  const exporting = yield* Effect.forkChild(Effect.forever(reading), { startImmediately: true })
  yield* Effect.sleep(100)
  const crowded = yield* oneAfterAnother(client, lookups)
  const seconds = (performance.now() - begun) / 1000
  yield* Fiber.interrupt(exporting)
  return { alone, crowded, exported: (entries * entryBytes) / seconds / 1e6 }
})

const crowd = Effect.fnUntraced(function*(client: Client.LdapClient, fibers: number, each: number) {
  const waits: Array<number> = []
  const [cpu, begun] = [process.cpuUsage(), performance.now()]
  yield* Effect.forEach(
    Array.from({ length: fibers }),
    (_, fiber) =>
      Effect.forEach(Array.from({ length: each }), (_, i) => timed(lookUp(client, fiber + i), waits), {
        discard: true
      }),
    { concurrency: "unbounded", discard: true }
  )
  const seconds = (performance.now() - begun) / 1000
  const { system, user } = process.cpuUsage(cpu)
  return { perSecond: waits.length / seconds, cpuMicros: (system + user) / waits.length, waits: waitsOf(waits) }
})

process.on("message", (order: Order) => {
  const work = Effect.flatMap(
    clientOf(order.url),
    (client): Effect.Effect<Figures, unknown> =>
      order.work === "beside" ? beside(client, order.lookups) : crowd(client, order.fibers, order.each)
  )
  Effect.runPromise(work).then(
    (figures) => process.send!(figures),
    (cause: unknown) => {
      console.error(cause)
      process.exit(1)
    }
  )
})
