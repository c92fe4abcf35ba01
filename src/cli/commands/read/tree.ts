/** `tree`: prints the entries below an entry as a tree. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LdapClient } from "../../../client/LdapClient.ts"
import type { LdapError } from "../../../model/LdapError.ts"
import { joined, writeAll } from "../../output/standardOutput.ts"
import { lineForTerminal } from "../../output/terminalText.ts"
import { baseOf } from "../../settings/base.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags } from "../../settings/connectionFlags.ts"

export const tree = Command.make(
  "tree",
  {
    base: Argument.String("base").pipe(Argument.withDescription("Where to begin"), Argument.optional),
    depth: Flag.Int("depth").pipe(Flag.withDescription("How many levels; default 3"), Flag.withDefault(3)),
    children: Flag.Int("children").pipe(
      Flag.withDescription("How many children of an entry are shown; default 100"),
      Flag.withDefault(100)
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ base, children, connection, depth }) {
    const connected = yield* connect(connection)
    const root = yield* baseOf(connected, Option.getOrUndefined(base))
    const lines = Stream.concat(
      Stream.succeed(`${lineForTerminal(root)}\n`),
      below(connected.client, root, "", { depth, children })
    )
    yield* writeAll(joined(lines))
  }, Effect.scoped)
).pipe(
  Command.withDescription("Print the names below an entry as a tree"),
  Command.withExamples([{ command: "effect-ldap tree --depth 2", description: "The upper levels of the directory" }])
)

interface Limits {
  readonly depth: number
  readonly children: number
}

/** The lines below an entry. The search asks for one child more than is shown, to know whether there are more. */
const below = (
  client: LdapClient,
  dn: string,
  indent: string,
  { children, depth }: Limits
): Stream.Stream<string, LdapError> => {
  if (depth <= 0) return Stream.empty
  return Stream.unwrap(Effect.gen(function*() {
    const found = yield* client.search({
      base: dn,
      scope: "one",
      attributes: ["hasSubordinates"],
      pageSize: Math.min(500, children + 1)
    }).pipe(Stream.take(children + 1), Stream.runCollect)
    const shown = found.slice(0, children)
    const isCut = found.length > children
    const lines = shown.map((entry, i) => {
      const isLast = i === shown.length - 1 && !isCut
      const line = Stream.succeed(`${indent}${isLast ? "└── " : "├── "}${lineForTerminal(nameBelow(entry.dn, dn))}\n`)
      if (entry.get("hasSubordinates")?.toUpperCase() === "FALSE") return line
      return Stream.concat(
        line,
        below(client, entry.dn, indent + (isLast ? "    " : "│   "), { children, depth: depth - 1 })
      )
    })
    return Stream.flatten(
      Stream.fromIterable([
        ...lines,
        ...(isCut ? [Stream.succeed(`${indent}└── … (more: --children ${children * 20})\n`)] : [])
      ])
    )
  }))
}

/** The name without the part that it shares with its parent. */
const nameBelow = (dn: string, parent: string): string =>
  dn.toLowerCase().endsWith(`,${parent.toLowerCase()}`) ? dn.slice(0, dn.length - parent.length - 1) : dn
