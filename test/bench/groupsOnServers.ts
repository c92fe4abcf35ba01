/**
 * `LdapJobs.groupsOf` with many groups on real servers, beside a recursion with ldapts as programs write it: 1,000 groups that have the user
 * as a member, and 10,000 groups that are nested, of which the first has the last one as a member, so that they form circles.
 *
 *     node test/bench/groupsOnServers.ts [slapd] [ds389] [samba] [--nested=10000]
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Client } from "ldapts"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../src/client/jobs/LdapJobs.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { admin, base } from "../servers/directory.ts"
import { launchDs389 } from "../servers/ds389.ts"
import { findExecutable } from "../servers/installation.ts"
import { launchSamba } from "../servers/samba.ts"
import { launchSlapd } from "../servers/slapd/slapd.ts"

const nested = Number(process.argv.find((text) => text.startsWith("--nested="))?.slice(9) ?? "10000")
const named = process.argv.slice(2).filter((text) => !text.startsWith("--"))
const flat = 1000

interface Server {
  readonly url: string
  readonly dn: string
  readonly password: string
  readonly base: string
  readonly ca: string
  readonly stop: () => Promise<void>
  readonly isActiveDirectory?: boolean
}

const launchers: Readonly<Record<string, () => Promise<Server>>> = {
  slapd: async () => {
    const { facts, ready, stop } = await launchSlapd(findExecutable("slapd")!)
    await ready
    return { url: facts.urls.ldaps, ...admin, base, ca: facts.certificates.ca.cert, stop }
  },
  ds389: async () => {
    const { facts, ready, stop } = await launchDs389()
    await ready
    return { url: facts.urls.ldaps, ...facts.admin, base, ca: facts.certificates.ca.cert, stop }
  },
  samba: async () => {
    const { facts, ready, stop } = await launchSamba()
    await ready
    const { password, upn: dn } = facts.admin
    return {
      url: facts.urls.ldaps,
      dn,
      password,
      base: facts.base,
      ca: facts.certificates.ca.cert,
      stop,
      isActiveDirectory: true
    }
  }
}

const measured = Effect.fnUntraced(function*<A, E>(work: Effect.Effect<A, E>) {
  const [cpu, start] = [process.cpuUsage(), performance.now()]
  const result = yield* work
  const { system, user } = process.cpuUsage(cpu)
  return { ...result, cpu: (system + user) / 1000, millis: performance.now() - start }
})

const measure = Effect.fnUntraced(function*(name: string, server: Server) {
  const scratch = `ou=scratch,${server.base}`
  const session = yield* LdapSession.make({
    url: server.url,
    tls: { ca: server.ca },
    auth: LdapAuth.simple(server.dn, Redacted.make(server.password)),
    requestTimeout: "5 minutes"
  })
  const group = (kind: string, n: number) => `cn=${kind}${n},${scratch}`
  const users = { flat: `cn=flat,${scratch}`, nested: `cn=nested,${scratch}` }
  const isAd = server.isActiveDirectory === true
  for (const [login, user] of Object.entries(users)) {
    yield* session.add(user, isAd ? { objectClass: "user", sAMAccountName: login } : { objectClass: "person", sn: "x" })
  }
  const add = (kind: string, n: number, member: string) =>
    session.add(group(kind, n), {
      ...(isAd ? { objectClass: "group", sAMAccountName: `${kind}${n}` } : { objectClass: "groupOfNames" }),
      member
    })
  // Its plugin writes every group of groups into every member, which takes a second for each group in the end.
  if (name === "ds389") {
    const scope = LdapModification.replace("memberOfEntryScope", `ou=nowhere,${server.base}`)
    yield* session.modify("cn=MemberOf Plugin,cn=plugins,cn=config", scope)
  }
  const begun = performance.now()
  for (let n = 0; n < flat; n++) yield* add("f", n, users.flat)
  for (let n = 0; n < nested; n++) yield* add("n", n, n < 10 ? users.nested : group("n", Math.floor(n / 10) - 1))
  yield* session.modify(group("n", 0), LdapModification.add("member", group("n", nested - 1)))
  console.log(`${name}: groups added in ${Math.round((performance.now() - begun) / 1000)} s`)

  const ours = (user: string) =>
    Effect.gen(function*() {
      let requests = 0
      const counting: Pick<LdapSession.LdapOperations, "lookup" | "searchResult" | "rootDse"> = {
        lookup: (...args) => Effect.suspend(() => (requests++, session.lookup(...args))),
        searchResult: (...args) => Effect.suspend(() => (requests++, session.searchResult(...args))),
        rootDse: Effect.suspend(() => (requests++, session.rootDse))
      }
      const { groups, unreadable } = yield* LdapJobs.groupsOf(counting, user, { nested: true, maxRequests: 20_000 })
      const depth = Math.max(...groups.map(({ depth }) => depth ?? 0))
      return { requests, found: groups.length, note: `, deepest ${depth}, ${unreadable.length} unreadable` }
    })
  const ldapts = new Client({ url: server.url, tlsOptions: { ca: server.ca } })
  yield* Effect.promise(() => ldapts.bind(server.dn, server.password))
  const theirs = (user: string) =>
    Effect.promise(async () => {
      let requests = 0
      const seen = new Set<string>()
      const above = async (dn: string): Promise<void> => {
        requests++
        const { searchEntries } = await ldapts.search(server.base, {
          filter: `(member=${dn})`,
          attributes: ["cn"],
          paged: true
        })
        for (const entry of searchEntries) {
          if (seen.has(entry.dn)) continue
          seen.add(entry.dn)
          await above(entry.dn)
        }
      }
      await above(user)
      return { requests, found: seen.size, note: "" }
    })
  for (const [what, user] of [[`${nested} nested`, users.nested], [`${flat} groups`, users.flat]] as const) {
    // Samba looks at every group for a member, which takes a tenth of a second: the recursion would take half an hour.
    const isHopeless = isAd && user === users.nested
    const ways = [
      ["groupsOf", ours(user)],
      ...(isHopeless ? [] : [["ldapts", theirs(user)] as const])
    ] as const
    for (const [who, work] of ways) {
      const { cpu, found, millis, note, requests } = yield* measured(work)
      console.log(
        `${name}, ${what}, ${who}: ${found} found, ${requests} requests, ${Math.round(cpu)} ms CPU, ${
          Math.round(millis)
        } ms${note}`
      )
    }
  }
  yield* Effect.promise(() => ldapts.unbind())
})

for (const [name, launch] of Object.entries(launchers)) {
  if (named.length > 0 && !named.includes(name)) continue
  const server = await launch()
  try {
    await Effect.runPromise(Effect.scoped(measure(name, server)))
  } finally {
    await server.stop()
  }
}
