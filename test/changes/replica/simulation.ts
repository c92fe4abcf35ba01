/**
 * A directory without a server, for the model of copies: random histories, and a source that emits changes in every way that the contract
 * of `LdapChange.ts` allows: from a cookie, from the beginning, and in refreshes that are broken off.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { KnownEntries } from "../../../src/changes/ChangesOptions.ts"
import * as Change from "../../../src/changes/LdapChange.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"

export type Random = (below: number) => number

/** The same numbers for the same seed. */
export const randomFrom = (seed: number): Random => {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * below)
  }
}

interface Node {
  readonly uuid: string
  name: string
  parent: Node | undefined
  value: number
  version: number
  isVisible: boolean
}

export class Lost {
  readonly _tag = "Lost"
}

const root = "dc=example,dc=com"

export class SimulatedDirectory {
  readonly #random: Random
  readonly nodes = new Map<string, Node>()
  /** The entries that each event has changed, in order. The position is the cookie. */
  readonly events: Array<{ readonly uuid: string; readonly change: Change.LdapChange }> = []
  /** The number of items after which a stream breaks off; negative: never. */
  breakAfter = -1
  refusesCookies = false
  /** Whether it resumes by a log of what happened, as accesslog does, or by a refresh, as content synchronization does. */
  readonly #isLog: boolean
  #count = 0

  constructor(random: Random) {
    this.#random = random
    this.#isLog = random(3) === 0
  }

  dnOf(node: Node): string {
    return node.parent === undefined ? `${node.name},${root}` : `${node.name},${this.dnOf(node.parent)}`
  }

  /** The entries that a copy should have, by UUID. */
  view(): Map<string, string> {
    return new Map(
      [...this.nodes.values()].filter(({ isVisible }) => isVisible).map((node) => [
        node.uuid,
        `${this.dnOf(node)} ${node.value}`
      ])
    )
  }

  /** Makes one random change. */
  change(): void {
    const nodes = [...this.nodes.values()]
    const any = nodes[this.#random(Math.max(1, nodes.length))]
    const kind = this.#random(12)
    if (any === undefined || kind < 4) return this.#add(nodes)
    const children = nodes.filter(({ parent }) => parent === any)
    if (kind < 6) {
      any.value++
      return this.#happened(any, "Modified")
    }
    // An entry outside the view moves no entry of the view.
    if (kind < 8 && (any.isVisible || children.length === 0)) {
      any.name = `cn=n${this.#count++}`
      return this.#happened(any, "Renamed")
    }
    if (kind === 8 && (any.isVisible || children.length === 0)) {
      const above = (node: Node | undefined): boolean => node !== undefined && (node === any || above(node.parent))
      const places = nodes.filter((node) => node.isVisible && !above(node))
      const place = places[this.#random(places.length + 1)]
      if (nodes.some((other) => other !== any && other.parent === place && other.name === any.name)) return
      any.parent = place
      return this.#happened(any, "Renamed")
    }
    if (kind === 9) return this.#exchange(nodes)
    if (children.length > 0) return
    if (kind === 10) {
      any.isVisible = !any.isVisible
      return this.#happened(any, any.isVisible ? "Added" : "Deleted")
    }
    this.nodes.delete(any.uuid)
    this.#happened(any, "Deleted")
  }

  #add(nodes: ReadonlyArray<Node>): void {
    const parents = nodes.filter(({ isVisible }) => isVisible)
    const n = this.#count++
    const node: Node = {
      uuid: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
      // Some new entries get the name of a deleted one.
      name: `cn=${this.#random(3) === 0 ? `reused${this.#random(3)}` : `n${n}`}`,
      parent: parents[this.#random(parents.length + 1)],
      value: 0,
      version: 0,
      isVisible: this.#random(5) > 0
    }
    const isTaken = nodes.some((other) => other.parent === node.parent && other.name === node.name)
    if (isTaken) node.name = `cn=n${n}`
    this.nodes.set(node.uuid, node)
    if (node.isVisible) this.#happened(node, "Added")
  }

  /** Two entries exchange their names, and all entries below them move too. */
  #exchange(nodes: ReadonlyArray<Node>): void {
    const visible = nodes.filter(({ isVisible }) => isVisible)
    const a = visible[this.#random(Math.max(1, visible.length))]
    const b = visible.find((other) => other !== a && other.parent === a?.parent)
    if (a === undefined || b === undefined) return
    const [nameOfA, nameOfB] = [a.name, b.name]
    a.name = `cn=temporary${this.#count++}`
    this.#happened(a, "Renamed")
    b.name = nameOfA
    this.#happened(b, "Renamed")
    a.name = nameOfB
    this.#happened(a, "Renamed")
  }

  #happened(node: Node, tag: "Added" | "Modified" | "Renamed" | "Deleted"): void {
    node.version++
    const change = tag === "Deleted" || !node.isVisible ? Change.deleted(node.uuid) : this.#written(node, tag)
    this.events.push({ uuid: node.uuid, change })
  }

  #written(node: Node, tag: "Added" | "Modified" | "Renamed"): Change.LdapChange {
    const dn = this.dnOf(node)
    const entry = LdapEntry.make(dn, { value: String(node.value), many: [`a${node.value}`, "ä\u0000ö"] })
    const fields = { uuid: node.uuid, dn, entry, version: String(node.version) }
    switch (tag) {
      case "Added":
        return Change.added(fields)
      case "Modified":
        return Change.modified(fields)
      case "Renamed":
        return Change.renamed(fields)
    }
  }

  /** The changes from a cookie on, without end unless `once` is true. */
  follow<E>(
    since: string | undefined,
    known: KnownEntries<E>,
    once: boolean
  ): Stream.Stream<Change.LdapChange, Lost | E> {
    return Stream.unwrap(Effect.gen({ self: this }, function*() {
      const random = this.#random
      let at = since === undefined ? -1 : Number(Buffer.from(since.split(":")[2]!, "base64url").toString())
      const refused = since !== undefined && this.refusesCookies
      if (refused) at = -1
      const start: Array<Change.LdapChange> = []
      if (at >= 0 && this.#isLog) start.push(...this.#replay(at))
      else {
        // A refresh that is broken off and started again, as after a lost session.
        for (let broken = random(3); broken > 0; broken--) {
          const some = yield* this.#refresh(at, refused, known)
          start.push(...some.slice(0, random(some.length)))
        }
        start.push(...yield* this.#refresh(at, refused, known))
      }
      // Nothing has changed since then, since there was no pause.
      at = this.events.length
      start.push(cookie(at))
      const live = Stream.paginate(at, (from) => {
        const changes: Array<Change.LdapChange> = []
        let to = from
        while (to < this.events.length) {
          changes.push(this.events[to++]!.change)
          if (random(3) === 0) changes.push(cookie(to))
        }
        if (to > from) changes.push(cookie(to))
        const next = [changes, once ? Option.none<number>() : Option.some(to)] as const
        return changes.length > 0 || once ? Effect.succeed(next) : Effect.as(Effect.sleep(100), next)
      })
      return Stream.concat(Stream.fromIterable(start), live).pipe(
        Stream.mapEffect((change) => this.breakAfter-- === 0 ? Effect.fail(new Lost()) : Effect.succeed(change))
      )
    }))
  }

  /** What happened since a cookie, as it is now, and the entries below renamed ones. */
  #replay(at: number): ReadonlyArray<Change.LdapChange> {
    const events = this.events.slice(at)
    const isBelow = (node: Node, uuids: ReadonlySet<string>): boolean =>
      node.parent !== undefined && (uuids.has(node.parent.uuid) || isBelow(node.parent, uuids))
    const renamed = new Set(events.flatMap(({ change, uuid }) => change._tag === "Renamed" ? [uuid] : []))
    const now = (node: Node | undefined, uuid: string) =>
      node?.isVisible === true ? this.#written(node, "Modified") : Change.deleted(uuid)
    return [
      ...events.map(({ uuid }) => now(this.nodes.get(uuid), uuid)),
      ...[...this.nodes.values()].filter((node) => isBelow(node, renamed)).map((node) => now(node, node.uuid))
    ]
  }

  #refresh<E>(
    at: number,
    refused: boolean,
    known: KnownEntries<E>
  ): Effect.Effect<ReadonlyArray<Change.LdapChange>, E> {
    return Effect.gen({ self: this }, function*() {
      const random = this.#random
      const changes: Array<Change.LdapChange> = []
      const has = at < 0 ? yield* known([...this.nodes.keys()]) : new Map<string, never>()
      const visible = [...this.nodes.values()].filter(({ isVisible }) => isVisible)
      if (at < 0) {
        for (const node of visible) {
          const isKnown = has.get(node.uuid)?.version === String(node.version)
          changes.push(isKnown ? Change.present(node.uuid, this.dnOf(node)) : this.#written(node, "Added"))
        }
        return [
          Change.refreshStarted(refused ? "refused" : "initial"),
          ...shuffled(changes, random),
          Change.refreshed("absent")
        ]
      }
      const changed = new Set(this.events.slice(at).map(({ uuid }) => uuid))
      const named = random(2) === 0
      for (const uuid of changed) {
        const node = this.nodes.get(uuid)
        if (node?.isVisible === true) changes.push(this.#written(node, random(2) === 0 ? "Modified" : "Added"))
        else if (named || random(2) === 0) changes.push(Change.deleted(uuid))
      }
      if (!named) {
        for (const node of visible) {
          if (!changed.has(node.uuid)) {
            changes.push(Change.present(node.uuid, random(2) === 0 ? this.dnOf(node) : undefined))
          }
        }
      }
      return [
        Change.refreshStarted("resume"),
        ...shuffled(changes, random),
        Change.refreshed(named ? "named" : "absent")
      ]
    })
  }
}

const cookie = (at: number): Change.LdapChange =>
  Change.checkpoint(`effect-ldap-changes:1:${Buffer.from(String(at)).toString("base64url")}` as Change.ChangesCookie)

const shuffled = <A>(values: ReadonlyArray<A>, random: Random): ReadonlyArray<A> => {
  const copy = [...values]
  for (let at = copy.length - 1; at > 0; at--) {
    const other = random(at + 1)
    ;[copy[at], copy[other]] = [copy[other]!, copy[at]!]
  }
  return copy
}
