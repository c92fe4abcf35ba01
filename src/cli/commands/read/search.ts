/** `search`: prints the entries that match a filter. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as LdapEntry from "../../../model/entry/LdapEntry.ts"
import type { SearchMessage } from "../../../session/LdapSession.ts"
import { formatFlags, type Item } from "../../output/EntryFormat.ts"
import { outputFlag, writeTo } from "../../output/outputFile.ts"
import { baseOf } from "../../settings/base.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven, optional } from "../../settings/connectionFlags.ts"
import { attributesArgument } from "./attributesArgument.ts"
import { printEntries } from "./printEntries.ts"
import { savingValues } from "./saveValues.ts"
import { filterOf, optionsOf, searchFlags } from "./searchFlags.ts"
import { stoppedAt, withoutPages } from "./sizeLimit.ts"

export const search = Command.make(
  "search",
  {
    filter: Argument.String("filter").pipe(
      Argument.withDescription("RFC 4515, as in (uid=ada); default (objectClass=*)"),
      Argument.optional
    ),
    attributes: attributesArgument,
    search: searchFlags,
    format: formatFlags,
    output: outputFlag,
    count: isGiven(
      Flag.Boolean("count").pipe(Flag.withDescription("Print the number of entries alone; reads in pages, as --all"))
    ),
    save: optional(
      Flag.KeyValuePair("save").pipe(
        Flag.withDescription("Write the values of an attribute to files of a folder: --save jpegPhoto DIR")
      )
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ attributes, connection, count, filter, format, output, save, search }) {
    const parsed = yield* filterOf(Option.getOrUndefined(filter), search.set)
    const connected = yield* connect(connection)
    const base = yield* baseOf(connected, search.base)
    const inPages = search.all || count || search.pageSize !== undefined
    const options = optionsOf({ ...search, all: inPages }, {
      base,
      filter: parsed,
      attributes: count ? ["1.1"] : attributes
    })
    const all = Stream.flattenIterable(Stream.map(connected.client.searchMessages(options), itemOf))
    const named = search.typesOnly ? Stream.map(all, withoutValues) : all
    const items = search.limit === undefined ? named : Stream.take(named, search.limit)
    let received = 0
    const known = items.pipe(
      Stream.tap((item) => Effect.sync(() => "urls" in item ? undefined : received++)),
      Stream.catch((error) => Stream.fromEffect(inPages ? stoppedAt(error, () => received) : withoutPages(error)))
    )
    if (count) {
      yield* Stream.runDrain(known)
      return yield* writeTo(output, Stream.succeed(`${received}\n`))
    }
    const kept = save === undefined ? known : savingValues(save)(known)
    yield* printEntries(kept, { ...format, output }, { columns: attributes, typesOnly: search.typesOnly })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Search for entries, and print them as LDIF, JSON, CSV or a table"),
  Command.withExamples([
    { command: "effect-ldap search '(uid=ada)' cn mail", description: "Two attributes of some entries" },
    {
      command: "effect-ldap search --all -o jsonl '(objectClass=person)'",
      description: "All entries, one line of JSON for each"
    },
    {
      command: "effect-ldap search '(&(objectClass=person)(uid={{login}}))' --set login=\"$LOGIN\"",
      description: "A value with any characters, never read as filter syntax"
    },
    { command: "effect-ldap search -o table --limit 20 '(sn=L*)' cn telephoneNumber", description: "A table" },
    { command: "effect-ldap search --count '(objectClass=person)'", description: "How many there are" },
    { command: "effect-ldap search --save jpegPhoto photos '(jpegPhoto=*)' cn", description: "Photos as files" }
  ])
)

/** Samba sends the values in spite of typesOnly. */
const withoutValues = (item: Item): Item =>
  "urls" in item
    ? item
    : LdapEntry.make(item.dn, item.descriptions.map((description) => ({ description, values: [] })))

const itemOf = (message: SearchMessage): ReadonlyArray<Item> =>
  message._tag === "Entry" ? [message.entry] : message._tag === "Reference" ? [{ urls: message.urls }] : []
