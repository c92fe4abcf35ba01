/** `schema`: shows the schema of a server, compares two schemas, and writes classes of LdapSchema. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LdapClient } from "../../../client/LdapClient.ts"
import * as LdapSubschema from "../../../schema/LdapSubschema.ts"
import { Ended, ExitCode, UsageError } from "../../CliFailure.ts"
import { say, writeLines } from "../../output/standardOutput.ts"
import { jsonText, lineForTerminal } from "../../output/terminalText.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven, optional } from "../../settings/connectionFlags.ts"

const read = Effect.fnUntraced(function*(client: LdapClient) {
  const schema = yield* LdapSubschema.read(client)
  for (const { message } of schema.unreadable) yield* say(message)
  return schema
})

const json = isGiven(Flag.Boolean("json").pipe(Flag.withDescription("As JSON")))

const show = Command.make(
  "show",
  {
    name: Argument.String("name").pipe(
      Argument.withDescription("An object class or an attribute type; default: the names of all"),
      Argument.optional
    ),
    json,
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ connection, json, name }) {
    const { client } = yield* connect(connection)
    const schema = yield* read(client)
    if (Option.isNone(name)) {
      const names = {
        objectClasses: schema.objectClasses.map(nameOf).sort(),
        attributeTypes: schema.attributeTypes.map(nameOf).sort()
      }
      return yield* json
        ? writeLines(jsonText(names, 2))
        : writeLines(
          ...names.objectClasses.map((name) => `objectClass ${lineForTerminal(name)}`),
          ...names.attributeTypes.map((name) => `attributeType ${lineForTerminal(name)}`)
        )
    }
    const objectClass = schema.objectClass(name.value)
    const attributeType = schema.attributeType(name.value)
    const definition = objectClass ?? attributeType
    if (definition === undefined) {
      return yield* new UsageError({ detail: `the server's schema has no ${JSON.stringify(name.value)}` })
    }
    const all = objectClass === undefined ? definition : { ...definition, ...schema.attributesOf(name.value) }
    if (json) return yield* writeLines(jsonText(all, 2))
    yield* writeLines(
      `${objectClass === undefined ? "attributeType" : "objectClass"} ${lineForTerminal(nameOf(definition))}`,
      ...Object.entries(forPerson(all)).flatMap(([field, value]: [string, unknown]) => {
        const text = field === "_tag" || (value instanceof Map && value.size === 0) ? "" : textOf(value)
        return text === "" ? [] : wrapped(`  ${field}: ${lineForTerminal(text)}`)
      })
    )
  }, Effect.scoped)
).pipe(
  Command.withDescription("Print the names of all definitions, or one definition with what it inherits"),
  Command.withExamples([
    { command: "effect-ldap schema show inetOrgPerson", description: "What a person must and may have" }
  ])
)

const compare = Command.make(
  "compare",
  {
    from: Argument.String("from").pipe(Argument.withDescription("URL of a server")),
    to: Argument.String("to").pipe(Argument.withDescription("URL of the other server")),
    json,
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ connection, from, json, to }) {
    const before = yield* read((yield* connect(connection, from)).client)
    const after = yield* read((yield* connect(connection, to)).client)
    const differences = LdapSubschema.compare(before, after)
    if (differences.length === 0) return
    yield* json ? writeLines(jsonText(differences, 2)) : writeLines(
      ...differences.map((difference) => {
        const what = `${difference.kind} ${lineForTerminal(difference.name)}`
        if (difference._tag === "Added") return `+ ${what}`
        if (difference._tag === "Removed") return `- ${what}`
        const fields = Object.entries(difference.differences).map(([field, { after, before }]) =>
          `${field}: ${lineForTerminal(textOf(before) || "none")} -> ${lineForTerminal(textOf(after) || "none")}`
        )
        return `~ ${what} (${fields.join("; ")})`
      })
    )
    return yield* new Ended({ code: ExitCode.different })
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Print definitions that only one of two servers has (- and +), or that differ (~): exit code 5 if there are any"
  ),
  Command.withExamples([
    {
      command: "effect-ldap schema compare ldaps://old.example.org ldaps://new.example.org",
      description: "Before moving to another server"
    }
  ])
)

const generate = Command.make(
  "generate",
  {
    objectClasses: Argument.variadic(
      Argument.String("class").pipe(
        Argument.withDescription(
          "An object class; several with commas between them become one class, for entries that have all of them"
        )
      ),
      { min: 1 }
    ),
    single: optional(
      Flag.String("single").pipe(
        Flag.withMetavar("A,B"),
        Flag.withDescription("Attributes that have one value in your entries, although the schema allows several")
      )
    ),
    only: optional(
      Flag.String("only").pipe(
        Flag.withMetavar("A,B"),
        Flag.withDescription("Only these attributes, and the required ones")
      )
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ connection, objectClasses, only, single }) {
    const { client } = yield* connect(connection)
    const schema = yield* read(client)
    const source = yield* Effect.fromResult(LdapSubschema.generate(schema, {
      objectClasses: objectClasses.map((names) => names.split(",")),
      single: single?.split(","),
      attributes: only?.split(",")
    })).pipe(Effect.mapError(({ message }) => new UsageError({ detail: message })))
    yield* writeLines(source.trimEnd())
  }, Effect.scoped)
).pipe(
  Command.withDescription("Write TypeScript classes of LdapSchema for object classes"),
  Command.withExamples([
    {
      command: "effect-ldap schema generate inetOrgPerson groupOfNames --single uid > entries.ts",
      description: "Two classes"
    }
  ])
)

export const schema = Command.make("schema").pipe(
  Command.withDescription("Show a server's schema, compare two schemas, or write classes for one"),
  Command.withSubcommands([show, compare, generate])
)

const nameOf = ({ names, oid }: { readonly names: ReadonlyArray<string>; readonly oid: string }): string =>
  names[0] ?? oid

/** Prints a field of a definition on one line. */
const textOf = (value: unknown): string => {
  if (value === undefined || value === false || value === null) return ""
  if (Array.isArray(value)) return value.map(textOf).join(" ")
  return typeof value === "string" ? value : jsonText(value instanceof Map ? Array.from(value) : value)
}

/** What a class requires comes first; `must` and `may` are parts of `required` and `allowed`, which have what it inherits too. */
const forPerson = (definition: object): object => {
  const { may, must, required, ...rest } = definition as Record<string, unknown>
  return required === undefined ? definition : { required, ...rest }
}

/** Lines have so many columns, as far as words allow. */
const columns = 100

const wrapped = (text: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(/(?<=\S) +/)) {
    if (line === "") line = word
    else if (line.length + 1 + word.length <= columns) line += ` ${word}`
    else {
      lines.push(line)
      line = `    ${word}`
    }
  }
  return [...lines, line]
}
