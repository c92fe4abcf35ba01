/**
 * Reads the content of a server's database without LDAP: by slapcat for slapd, by an export of 389 Directory Server (the task behind
 * db2ldif), and by Samba's own library on its files. A copy must equal it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { uuidFromText } from "../../src/changes/LdapChanges.ts"
import type { LdapClient } from "../../src/client/LdapClient.ts"
import * as LdapEntry from "../../src/model/entry/LdapEntry.ts"
import * as Ldif from "../../src/model/ldif/Ldif.ts"
import type { Ds389Facts } from "../servers/ds389.ts"
import { findExecutable } from "../servers/installation.ts"
import type { SambaFacts } from "../servers/samba.ts"
import { keyOf } from "./histories.ts"
import { lineOf, type UuidAttribute } from "./sameAs.ts"

const run = promisify(execFile)

const output = async (program: string, args: ReadonlyArray<string>): Promise<string> =>
  (await run(program, [...args], { maxBuffer: 100_000_000 })).stdout

/** The filter of suite.ts, or all entries. */
export type Matches = (entry: LdapEntry.LdapEntry) => boolean

const has = (entry: LdapEntry.LdapEntry, name: string, value: string): boolean =>
  entry.getAll(name).some((one) => one.toLowerCase() === value.toLowerCase())

export const inFilter: Matches = (entry) =>
  has(entry, "objectClass", "organizationalUnit") || entry.getAll("description").includes("in")

/** All of these servers write UUIDs as text, Samba too. */
const linesIn = (ldif: string, top: string, uuid: UuidAttribute, matches: Matches): ReadonlyArray<string> => {
  const topKey = keyOf(top)
  return Result.getOrThrow(Ldif.parse(ldif)).flatMap((record) => {
    if (record._tag !== "Entry") return []
    const entry = LdapEntry.make(record.dn, record.attributes)
    const key = keyOf(entry.dn)
    const isBelow = key === topKey || key.endsWith(`,${topKey}`)
    return isBelow && matches(entry)
      ? [lineOf(uuidFromText(Buffer.from(entry.getBytes(uuid)!).toString())!, entry.dn, entry)]
      : []
  }).sort()
}

/** Finds the database by its configuration file. */
export const slapcat = (conf: string, suffix: string, top: string, matches = inFilter) =>
  Effect.promise(async () =>
    linesIn(await output(findExecutable("slapcat")!, ["-f", conf, "-b", suffix]), top, "entryUUID", matches)
  )

export const db2ldif = Effect.fnUntraced(
  function*(client: LdapClient, { directory }: Ds389Facts, top: string, matches: Matches) {
    const name = `export-${Date.now()}`
    const file = join(directory, `${name}.ldif`)
    const task = `cn=${name},cn=export,cn=tasks,cn=config`
    yield* client.add(task, {
      objectClass: ["extensibleObject"],
      cn: name,
      nsInstance: "userRoot",
      nsFilename: file,
      nsDumpUniqId: "true"
    })
    for (;;) {
      const found = yield* client.lookup(task, { attributes: ["nsTaskExitCode"] })
      // The server removes the task some time after it has finished.
      if (Option.isNone(found) || found.value.has("nsTaskExitCode")) break
      yield* Effect.sleep("50 millis")
    }
    return linesIn(readFileSync(file, "utf8"), top, "nsUniqueId", matches)
  }
)

const samdb = `
import sys, ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
parameters = LoadParm(filename_for_non_global_lp=sys.argv[1])
parameters.load(sys.argv[1])
database = SamDB(session_info=system_session(), lp=parameters)
for found in database.search(base=sys.argv[2], scope=ldb.SCOPE_SUBTREE, attrs=["objectClass", "objectGUID", "description"]):
    print(database.write_ldif(found, ldb.CHANGETYPE_NONE))
`

export const ldbsearch = ({ directory }: SambaFacts, top: string, matches = inFilter) =>
  Effect.promise(async () =>
    linesIn(
      await output("/usr/bin/python3", ["-c", samdb, join(directory, "smb.conf"), top]),
      top,
      "objectGUID",
      matches
    )
  )
