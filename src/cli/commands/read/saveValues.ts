/** `--save jpegPhoto DIR`: writes the values of an attribute to files. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as LdapEntry from "../../../model/entry/LdapEntry.ts"
import { LocalError } from "../../CliFailure.ts"
import type { Item } from "../../output/EntryFormat.ts"

/** Writes the values of some attributes to folders, and leaves them out of the entries. */
export const savingValues =
  (folders: Readonly<Record<string, string>>) =>
  <E, R>(items: Stream.Stream<Item, E, R>): Stream.Stream<
    Item,
    E | LocalError,
    R | FileSystem.FileSystem | Path.Path
  > =>
    Stream.mapEffect(
      items,
      (item): Effect.Effect<Item, LocalError, FileSystem.FileSystem | Path.Path> =>
        "urls" in item ? Effect.succeed(item) : saved(item, folders)
    )

const saved = Effect.fnUntraced(function*(
  entry: LdapEntry.LdapEntry,
  folders: Readonly<Record<string, string>>
): Effect.fn.Return<LdapEntry.LdapEntry, LocalError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const wanted = new Map(Object.entries(folders).map(([name, folder]) => [name.toLowerCase(), folder]))
  const rest: Array<LdapEntry.LdapAttribute> = []
  for (const attribute of entry.attributes) {
    const folder = wanted.get(attribute.description.split(";", 1)[0]!.toLowerCase())
    if (folder === undefined) {
      rest.push(attribute)
      continue
    }
    yield* Effect.gen(function*() {
      yield* fs.makeDirectory(folder, { recursive: true })
      for (const [index, value] of attribute.values.entries()) {
        yield* fs.writeFile(path.join(folder, fileName(entry.dn, attribute.description, index, value)), value)
      }
    }).pipe(
      Effect.mapError(({ message }) => new LocalError({ detail: `a value of ${entry.dn} can't be saved: ${message}` }))
    )
  }
  return LdapEntry.make(entry.dn, rest)
})

/**
 * A file name that the server can't choose: the letters, digits and dots of the RDN's value, by which a person recognises it, and a part of
 * a hash of the DN, so that no two entries share a file.
 */
const fileName = (dn: string, description: string, index: number, value: Uint8Array): string => {
  const readable = /^[^=]*=([^,+]*)/.exec(dn)?.[1] ?? ""
  const safe = readable.replace(/[^A-Za-z0-9-]+/g, "-").slice(0, 40) || "entry"
  const unique = createHash("sha256").update(`${dn}\0${description.toLowerCase()}`).digest("hex").slice(0, 12)
  return `${safe}-${unique}${index === 0 ? "" : `-${index + 1}`}.${extensionOf(value)}`
}

const extensionOf = (value: Uint8Array): string => {
  const begin = Buffer.from(value.subarray(0, 8)).toString("hex")
  if (begin.startsWith("ffd8ff")) return "jpg"
  if (begin.startsWith("89504e47")) return "png"
  if (begin.startsWith("47494638")) return "gif"
  return begin.startsWith("3082") ? "der" : "bin"
}
