/**
 * Runs the client under load while its network and its server fail. Hundreds of fibers use a pool, a set of servers and logins,
 * over proxies with faults, in front of a slapd that is killed, stopped and continued. Afterwards every write and every connection
 * must be accounted for.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type ChildProcess, spawn } from "node:child_process"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../src/client/jobs/LdapJobs.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapLogin from "../../src/client/login/LdapLogin.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { answers } from "../servers/running.ts"
import { startSlapd } from "../servers/slapd/slapd.ts"
import { type ConnectionRecord, type Faults, startProxy } from "./proxy.ts"

export interface Options {
  readonly slapd: string
  readonly seconds: number
  readonly fibers: number
  readonly seed: number
}

export interface Report {
  /** Violations, each as a sentence. */
  readonly faults: ReadonlyArray<string>
  readonly counts: ReadonlyMap<string, number>
  readonly connections: number
}

/** What the client must have done at least once, at the latest when the network and the server work again. */
const kinds = ["lookup", "add", "upsert", "delete", "paged count", "stream with lookups", "login"]

/** The time limit for that. */
const recoveryMillis = 20_000

/** What is known about an entry that was written. */
type Expected = "there" | "absent" | "either"

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Whether the server may have carried out a write that failed. */
const isInDoubt = ({ reason }: LdapError): boolean => "inDoubt" in reason && reason.inDoubt === true

export const runChaos = async ({ fibers, seconds, seed, slapd: path }: Options): Promise<Report> => {
  let state = (seed * 2654435761) % 0x7fffffff || 1
  const random = () => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff
  const below = (n: number) => Math.floor(random() * n)
  const counts = new Map<string, number>()
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
  const faults: Array<string> = []

  // -------------------------------------------------------------------------------------------------------------------
  // The server
  // -------------------------------------------------------------------------------------------------------------------

  const slapd = await startSlapd(path)
  let own: ChildProcess | undefined
  const pid = async () => Number(await readFile(join(slapd.directory, "slapd.pid"), "utf8"))
  const kill = async () => {
    const id = own?.pid ?? await pid()
    process.kill(id, "SIGKILL")
    while (await answers(slapd.port)) await pause(10)
  }
  /** The same server over the same database. */
  const restart = async () => {
    own = spawn(path, ["-d", "none", "-f", join(slapd.directory, "slapd.conf"), "-h", slapd.urls.ldap], {
      stdio: "ignore"
    })
    while (!(await answers(slapd.port))) await pause(10)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The network
  // -------------------------------------------------------------------------------------------------------------------

  let isCalm = true
  const draw = (): Faults => {
    if (isCalm) return {}
    switch (below(8)) {
      case 0:
        return { latencyMillis: 1 + below(30) }
      case 1:
        return { slice: 1 + below(20) }
      case 2:
        return { bytesPerSecond: 20_000 + below(200_000) }
      case 3:
        return { resetAfter: 1 + below(5000) }
      case 4:
        return { silentAfter: 1 + below(5000) }
      case 5:
        return { refuses: true }
      default:
        return {}
    }
  }
  const proxies = [await startProxy(() => slapd.port, draw), await startProxy(() => slapd.port, draw)]

  // -------------------------------------------------------------------------------------------------------------------
  // What is there
  // -------------------------------------------------------------------------------------------------------------------

  const auth = LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password))
  const base = `ou=chaos,${slapd.base}`
  const users = 20
  const directly = <A>(f: (session: LdapSession.LdapSession) => Effect.Effect<A, LdapError>): Promise<A> =>
    Effect.runPromise(
      Effect.scoped(Effect.flatMap(LdapSession.make({ url: slapd.urls.ldap, auth, allowInsecureAuth: true }), f))
    )
  const person = (uid: string, more?: Record<string, string>) => ({
    objectClass: "inetOrgPerson",
    uid,
    cn: uid,
    sn: uid,
    ...more
  })
  await directly((session) =>
    Effect.gen(function*() {
      yield* session.add(base, { objectClass: "organizationalUnit", ou: "chaos" })
      for (let i = 0; i < users; i++) {
        yield* session.add(`uid=user${i},${base}`, person(`user${i}`, { userPassword: `secret${i}` }))
      }
    })
  )
  const expected = new Map<string, Expected>()

  // -------------------------------------------------------------------------------------------------------------------
  // The load
  // -------------------------------------------------------------------------------------------------------------------

  const scope = Scope.makeUnsafe()
  const common = {
    auth,
    allowInsecureAuth: true,
    connectTimeout: "1 second",
    requestTimeout: "1 second",
    closeTimeout: "500 millis"
  } as const
  const pool = { max: 6, concurrency: 16, min: 1, checkoutTimeout: "2 seconds", drainTimeout: "3 seconds" } as const
  const clients = await Effect.runPromise(Scope.provide(
    Effect.all([
      LdapClient.make({ ...common, pool, url: proxies[0]!.url }),
      LdapClient.make({ ...common, pool: { ...pool, max: 2 }, urls: proxies.map(({ url }) => url) })
    ]),
    scope
  ))
  const logIn = await Effect.runPromise(Scope.provide(
    LdapLogin.make({
      client: clients[1],
      open: { ...common, url: proxies[1]!.url },
      base,
      filter: (uid) => LdapFilter.equals("uid", uid),
      concurrency: 50
    }),
    scope
  ))
  const deadline = Date.now() + seconds * 1000
  let serial = 0
  const missing = () => kinds.filter((what) => !counts.has(`${what}: answered`))
  const isOver = () => Date.now() >= deadline + (missing().length === 0 ? 0 : recoveryMillis)

  const outcome = <A>(what: string, effect: Effect.Effect<A, LdapError>, onAnswer: (answer: A) => void = () => {}) =>
    Effect.match(effect, {
      onSuccess: (answer) => {
        count(`${what}: answered`)
        onAnswer(answer)
      },
      onFailure: ({ reason }) => count(`${what}: ${reason._tag}`)
    })
  const write = (dn: string, what: string, effect: Effect.Effect<unknown, LdapError>, after: "there" | "absent") => {
    const before = expected.get(dn) ?? "absent"
    // Counts it while it is in flight, even if it is interrupted.
    expected.set(dn, "either")
    return Effect.match(effect, {
      onSuccess: () => {
        count(`${what}: answered`)
        expected.set(dn, after)
      },
      onFailure: (error) => {
        count(`${what}: ${error.reason._tag}${isInDoubt(error) ? " in doubt" : ""}`)
        if (!isInDoubt(error)) expected.set(dn, before)
      }
    })
  }

  const once = (client: LdapClient.LdapClient, mine: Array<string>): Effect.Effect<void> => {
    const user = `user${below(users)}`
    const choice = below(100)
    if (choice < 40) {
      return outcome("lookup", client.lookup(`uid=${user},${base}`, { attributes: ["uid"] }), (found) => {
        const uid = Option.getOrUndefined(found)?.get("uid")
        if (uid !== user) faults.push(`a lookup of ${user} was answered with ${uid}`)
      })
    }
    if (choice < 50) {
      // A job of several requests, on an entry that may or may not exist.
      const known = mine.filter((dn) => expected.get(dn) !== "either")
      const dn = known[below(known.length + 1)] ?? `uid=w${serial++},${base}`
      if (!mine.includes(dn)) mine.push(dn)
      const uid = dn.slice("uid=".length, dn.indexOf(","))
      return write(dn, "upsert", LdapJobs.upsert(client, dn, person(uid, { description: `${serial}` })), "there")
    }
    if (choice < 60) {
      const uid = `w${serial++}`
      const dn = `uid=${uid},${base}`
      mine.push(dn)
      return write(dn, "add", client.add(dn, person(uid)), "there")
    }
    if (choice < 68) {
      const dn = mine.find((dn) => expected.get(dn) === "there")
      return dn === undefined ? Effect.void : write(dn, "delete", client.delete(dn), "absent")
    }
    if (choice < 78) {
      const counting = LdapJobs.count(client, { base, filter: "(uid=user*)", pageSize: 7 })
      return outcome("paged count", counting, (found) => {
        if (found !== users) faults.push(`a paged search found ${found} of ${users} users`)
      })
    }
    if (choice < 86) {
      const seen: Array<string> = []
      const reading = client.search({ base, filter: "(uid=user*)", attributes: ["uid"] }).pipe(
        Stream.mapEffect((entry) => Effect.as(client.compare(entry.dn, "uid", entry.get("uid")!), entry)),
        Stream.runForEach((entry) => Effect.sync(() => seen.push(entry.dn)))
      )
      return outcome("stream with lookups", reading, () => {
        if (new Set(seen).size !== users) faults.push(`a stream brought ${seen.length} of ${users} users`)
      })
    }
    if (choice < 90) {
      return Effect.map(
        Effect.timeoutOption(client.lookup(`uid=${user},${base}`), random() * 20),
        () => count("interrupted")
      ).pipe(Effect.ignore)
    }
    const isRight = random() < 0.7
    const password = isRight ? `secret${user.slice(4)}` : "wrong"
    return Effect.match(logIn(user, Redacted.make(password)), {
      onSuccess: ({ entry }) => {
        count("login: answered")
        if (!isRight || entry.get("uid") !== user) faults.push(`${user} logged in as ${entry.dn} with ${password}`)
      },
      onFailure: ({ reason }) => {
        count(`login: ${reason._tag}`)
        if (reason._tag === "WrongCredentials" && isRight) faults.push(`the password of ${user} was refused`)
      }
    })
  }
  const loop = (client: LdapClient.LdapClient, mine: Array<string>): Effect.Effect<void> =>
    Effect.suspend(() =>
      isOver()
        ? Effect.void
        : Effect.andThen(once(client, mine), Effect.andThen(Effect.yieldNow, loop(client, mine)))
    )

  const load = Effect.runPromiseExit(
    Effect.forEach(
      Array.from({ length: fibers }),
      (_, i) => loop(clients[i % 2]!, []),
      { concurrency: "unbounded", discard: true }
    )
  )

  // -------------------------------------------------------------------------------------------------------------------
  // The chaos
  // -------------------------------------------------------------------------------------------------------------------

  while (Date.now() < deadline) {
    await pause(50 + below(250))
    isCalm = random() < 0.3
    switch (below(5)) {
      case 0:
        for (const proxy of proxies) proxy.cut()
        break
      case 1:
        await kill()
        await pause(below(300))
        await restart()
        break
      case 2: {
        const id = own?.pid ?? await pid()
        process.kill(id, "SIGSTOP")
        await pause(below(500))
        process.kill(id, "SIGCONT")
        break
      }
    }
  }
  isCalm = true
  const exit = await load
  for (const what of missing()) faults.push(`no ${what} was answered`)
  if (Exit.isFailure(exit)) faults.push(`a fiber has ended in ${String(exit.cause)}`)
  await Effect.runPromise(Scope.close(scope, Exit.void))
  // Bytes sent over a slow connection take a while to arrive, and the end comes after them.
  for (let i = 0; i < 100 && proxies.some((proxy) => proxy.open() > 0); i++) await pause(100)

  // -------------------------------------------------------------------------------------------------------------------
  // The account
  // -------------------------------------------------------------------------------------------------------------------

  const there = new Set(
    await directly((session) =>
      Effect.map(
        Stream.runCollect(session.search({ base, filter: "(uid=w*)", attributes: ["1.1"] })),
        (entries) => entries.map(({ dn }) => dn)
      )
    )
  )
  for (const [dn, what] of expected) {
    if (what === "there" && !there.has(dn)) faults.push(`${dn} was written, and is not there`)
    if (what === "absent" && there.has(dn)) faults.push(`${dn} was not written, or deleted, and is there`)
    there.delete(dn)
  }
  if (there.size > 0) faults.push(`${there.size} entries are there that were never written`)
  const records = proxies.flatMap(({ records }) => records)
  for (const record of records) faults.push(...wrongWith(record))
  for (const proxy of proxies) {
    if (proxy.open() > 0) faults.push(`${proxy.open()} connections are left`)
    await proxy.close()
  }
  if (own !== undefined) {
    const ended = new Promise((resolve) => own!.once("exit", resolve))
    own.kill("SIGTERM")
    await ended
  }
  await slapd.stop()
  return { faults, counts, connections: records.length }
}

const wrongWith = (record: ConnectionRecord): ReadonlyArray<string> => {
  const { bytesAfterUnbind, endedBy, kinds, unbinds, violation } = record
  const said = kinds.length > 12 ? `${kinds.slice(0, 6).join()} … ${kinds.slice(-5).join()}` : kinds.join()
  const wrong: Array<string> = []
  if (violation !== undefined) wrong.push(`a connection has something that is no LDAP: ${violation}`)
  if (bytesAfterUnbind > 0) wrong.push(`${bytesAfterUnbind} bytes after the unbind: ${said}`)
  if (unbinds > 1) wrong.push(`${unbinds} unbinds: ${said}`)
  if (endedBy === "client" && kinds.length > 0 && unbinds !== 1) wrong.push(`no unbind: ${said}`)
  const [first] = kinds
  if (first !== undefined && first !== "BindRequest" && first !== "UnbindRequest")
    wrong.push(`not bound first: ${said}`)
  return wrong
}
