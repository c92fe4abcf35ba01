/**
 * A model of following in virtual time: a random history on a directory in memory, faults at its messages, and a consumer that crashes and
 * continues from the last checkpoint that it has stored. At the end the copy must equal the directory, and no checkpoint may be ahead of
 * what it covers.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as DirectoryFault from "../../src/testing/DirectoryFault.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { settle } from "../session/recording/RecordingPeer.ts"
import { randomOf, step } from "./histories.ts"
import { linesOf, linesOnServer, type UuidAttribute } from "./sameAs.ts"
import { filter } from "./suite.ts"

export interface Program {
  readonly source: LdapChanges.ChangesSource
  readonly seed: number
  readonly changes: number
}

const base = "dc=example"

/** The options of the directory that each source needs. */
export const optionsFor = (source: LdapChanges.ChangesSource): InMemoryDirectory.Options => {
  switch (source) {
    case "dirSync":
    case "usn":
      return { domainController: true }
    case "changelog":
    case "accesslog":
      return { changeLogs: [source] }
    default:
      return {}
  }
}

const place = {
  top: base,
  leafType: "cn",
  leaf: (cn: string) => ({ objectClass: ["device"], cn }),
  unit: (ou: string) => ({ objectClass: ["organizationalUnit"], ou })
}

/** The faults: at any message of a search's answer, or as soon as a connection is open. */
const faultsFor = (random: () => number): ReadonlyArray<DirectoryFault.DirectoryFault> => {
  const where = { on: "search" as const, after: Math.floor(random() * 6), nth: 1 + Math.floor(random() * 4) }
  const dice = random()
  if (dice < 0.5) return []
  if (dice < 0.65) return [DirectoryFault.reset(where)]
  if (dice < 0.8) return [DirectoryFault.close(where)]
  if (dice < 0.9) return [DirectoryFault.disconnect(where)]
  return [DirectoryFault.reset({ on: "connect" })]
}

/** The content of the copy and of the directory at the end. */
export const run = Effect.fnUntraced(function*({ changes, seed, source }: Program) {
  const random = randomOf(seed)
  const options = optionsFor(source)
  const uuid: UuidAttribute = options.domainController === true ? "objectGUID" : "entryUUID"
  const directory = yield* InMemoryDirectory.make({
    entries: [{
      dn: base,
      attributes: { objectClass: ["organizationalUnit", "domain"], dc: "example", ou: "example" }
    }],
    admin: { password: "secret" },
    ...options
  })
  const auth = LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))
  const client = yield* LdapClient.fromTransport(directory.transport, { auth, pool: { min: 0 } })
  // Histories are made over a session without faults: faults are set while this session is silent.
  const writer = yield* LdapSession.fromTransport(directory.transport, { auth })
  const view = { base, filter }
  const counter = { value: 0 }
  let copy = LdapChanges.makeCopy()
  const said = { crashes: 0, checkpoints: 0, refreshes: 0, faults: 0 }
  const follow = () => {
    // The consumer's rows after its last checkpoint are not undone; these changes come once more.
    const mayKnow = random() < 0.5
    return LdapChanges.follow(client, {
      ...view,
      source,
      since: copy.cookie,
      ...(mayKnow ? { known: copy.known } : {}),
      pollInterval: "2 seconds",
      pageSize: 3,
      schedule: Schedule.spaced("1 second")
    }).pipe(Stream.runForEach((change) => {
      if (change._tag === "Checkpoint") said.checkpoints++
      if (change._tag === "RefreshStarted") said.refreshes++
      return copy.apply(change)
    }))
  }
  let fiber = yield* Effect.forkChild(follow())
  const quiet = Effect.forEach(Array.from({ length: 12 }), () => settle, { discard: true })
  for (let i = 0; i < changes; i++) {
    yield* directory.faults.clear
    yield* step(writer, place, random, counter)
    const faults = faultsFor(random)
    if (faults.length > 0) {
      said.faults++
      yield* directory.faults.set(faults)
    }
    for (let n = Math.floor(random() * 3); n > 0; n--) {
      yield* quiet
      yield* TestClock.adjust(`${Math.floor(random() * 2_500)} millis`)
    }
    if (random() < 0.15) {
      said.crashes++
      yield* Fiber.interrupt(fiber)
      if (random() < 0.1) copy = LdapChanges.makeCopy()
      fiber = yield* Effect.forkChild(follow())
    }
  }
  yield* directory.faults.clear
  const expected = yield* linesOnServer(writer, view, uuid)
  for (let i = 0; i < 60; i++) {
    yield* quiet
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return yield* Effect.die(exit)
    if (copy.isWhole && JSON.stringify(linesOf(copy)) === JSON.stringify(expected)) break
    yield* TestClock.adjust("1 second")
  }
  yield* Fiber.interrupt(fiber)
  // This shows a checkpoint that was ahead: the changes that it skipped never come.
  const resumed = LdapChanges.poll(client, { ...view, source, since: copy.cookie, known: copy.known, pageSize: 3 })
  const last = yield* Effect.forkChild(Stream.runForEach(resumed, copy.apply))
  for (let i = 0; i < 20 && last.pollUnsafe() === undefined; i++) {
    yield* quiet
    yield* TestClock.adjust("1 second")
  }
  yield* Fiber.join(last)
  return { copied: linesOf(copy), expected, said }
}, Effect.scoped)
