/**
 * Logins a second on kept sessions: `LdapLogin.make` beside two floors, which send prepared requests on as many sockets of Node. One
 * floor only binds as users whose names it knows; the other one searches for the user first, as the login does. All three take turns in
 * one process, with 16 logins in flight, on slapd.
 *
 *     node test/bench/logins.ts [--quick]
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapLogin from "../../src/client/login/LdapLogin.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { inTurn } from "./inTurn.ts"
import { bindRequest, exchanges, open, search, type Wire } from "./peers/floor.ts"
import { eachAtOnce } from "./peers/Peer.ts"
import { median, shown } from "./report/statistics.ts"
import { report } from "./report/verdict.ts"
import { admin, type Record, records, sizes, user, users } from "./servers/directory.ts"
import { startSlapdWith } from "./servers/slapd.ts"

const quick = process.argv.includes("--quick")
const turns = quick ? 2 : 15
const inFlight = 16
const accounts = 200

const salted = (password: string): string => {
  const salt = Buffer.from("benchmark")
  return `{SSHA}${Buffer.concat([createHash("sha1").update(password).update(salt).digest(), salt]).toString("base64")}`
}

/** How the server keeps passwords: quick to check, and slow on purpose (crypt(3) with 5,000 rounds of SHA-512). */
const hashes = {
  ssha: { hash: salted(user.password), each: quick ? 200 : 4_000 },
  crypt: {
    hash: "{CRYPT}$6$benchmark$/LdfF1fFOOQyRCqqNvvbvGwqRtjtU7LEIOS7ZoWsrMcMi5fX9lyyei9gY3Ku3HN7YywkRW.ieeVpUjglwIDB21",
    each: quick ? 50 : 500
  }
} as const
type Hash = keyof typeof hashes

const uidOf = (hash: Hash, i: number): string => `${hash}${i % accounts}`
const dnOf = (uid: string): string => `uid=${uid},${users}`

const account = (hash: Hash, i: number): Record => ({
  dn: dnOf(uidOf(hash, i)),
  attributes: [
    ["objectClass", ["inetOrgPerson"]],
    ["cn", ["Ada"]],
    ["sn", ["Lovelace"]],
    ["uid", [uidOf(hash, i)]],
    ["userPassword", [hashes[hash].hash]]
  ]
})

const all = (Object.keys(hashes) as ReadonlyArray<Hash>).flatMap((hash) =>
  Array.from({ length: accounts }, (_, i) => account(hash, i))
)
const slapd = await startSlapdWith([...records(sizes(true)), ...all], { modules: [], database: ["dbnosync"] })
if (slapd === undefined) throw new Error("slapd is missing")
const target = { url: slapd.ldap, ca: undefined, bindDn: admin.dn, password: admin.password }

/** Pairs of sockets: one that searches, and one that binds. */
const sockets = await Promise.all(
  Array.from({ length: inFlight }, async () => ({ searching: await open(target), binding: await open(target) }))
)
const free = [...sockets]

const bindOf = (uid: string): Buffer => bindRequest({ bindDn: dnOf(uid), password: user.password })

const withSockets = async (work: (pair: { searching: Wire; binding: Wire }) => Promise<void>): Promise<void> => {
  const pair = free.pop()!
  await work(pair)
  free.push(pair)
}

const program = Effect.gen(function*() {
  const config = { url: slapd.ldap, allowInsecureAuth: true }
  const session = yield* LdapSession.make({ ...config, auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password)) })
  const logIn = yield* LdapLogin.make({
    client: session,
    open: config,
    base: users,
    filter: (login) => LdapFilter.equals("uid", login),
    concurrency: inFlight
  })
  const password = Redacted.make(user.password)
  const ways = {
    binds: (uids: ReadonlyArray<string>) =>
      Effect.promise(() =>
        eachAtOnce(
          uids,
          inFlight,
          (uid) => withSockets(({ binding }) => exchanges(binding, [bindOf(uid)], 1))
        )
      ),
    "search and bind": (uids: ReadonlyArray<string>) =>
      Effect.promise(() =>
        eachAtOnce(uids, inFlight, (uid) =>
          withSockets(async ({ binding, searching }) => {
            await exchanges(searching, [search(users, "subtree", [], LdapFilter.equals("uid", uid))], 1)
            await exchanges(binding, [bindOf(uid)], 1)
          }))
      ),
    logins: (uids: ReadonlyArray<string>) =>
      Effect.forEach(uids, (uid) => logIn(uid, password), { concurrency: inFlight, discard: true })
  }
  const names = Object.keys(ways) as ReadonlyArray<keyof typeof ways>
  for (const hash of Object.keys(hashes) as ReadonlyArray<Hash>) {
    const uids = Array.from({ length: hashes[hash].each }, (_, i) => uidOf(hash, i))
    const rounds: Array<{ [Way in keyof typeof ways]?: { seconds: number; cpu: number } }> = []
    for (let turn = 0; turn <= turns; turn++) {
      const round: typeof rounds[number] = {}
      for (const way of inTurn(names, turn)) {
        const [begun, cpu] = [performance.now(), process.cpuUsage()]
        yield* ways[way](uids)
        const { system, user } = process.cpuUsage(cpu)
        round[way] = { seconds: (performance.now() - begun) / 1000, cpu: (system + user) / uids.length }
      }
      // The first one is for the compiler.
      if (turn > 0) rounds.push(round)
    }
    console.log(`\npasswords in ${hash}:`)
    for (const way of names) {
      const figure = (of: (round: typeof rounds[number]) => number): string => shown(median(rounds.map(of)))
      console.log(
        `  ${way}: ${figure((round) => uids.length / round[way]!.seconds)} a second, CPU ${
          figure((round) => round[way]!.cpu)
        } µs, ` +
          `speed of raw binds = 1: ${figure((round) => round.binds!.seconds / round[way]!.seconds)}, ` +
          `of search and bind: ${figure((round) => round["search and bind"]!.seconds / round[way]!.seconds)}`
      )
    }
    const speed = (way: keyof typeof ways, floor: keyof typeof ways): number =>
      median(rounds.map((round) => round[floor]!.seconds / round[way]!.seconds))
    report(
      `Logins with passwords in ${hash}: speed, bare binds = 1`,
      speed("logins", "binds"),
      { atLeast: 0.8 },
      speed("search and bind", "binds")
    )
    report("The same: speed, bare searches and binds = 1", speed("logins", "search and bind"), { atLeast: 0.8 })
  }
})

try {
  await Effect.runPromise(Effect.scoped(program))
} finally {
  for (const { binding, searching } of sockets) await Promise.all([binding.close(), searching.close()])
  await slapd.stop()
}
