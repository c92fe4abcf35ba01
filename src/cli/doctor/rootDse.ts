/** What the server says about itself, and what it tells anonymous sessions (RFC 4512 section 5.1). */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { serverKindOf } from "../../client/jobs/serverKind.ts"
import * as LdapControl from "../../model/control/LdapControl.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapRootDse from "../../model/LdapRootDse.ts"
import type { LdapSession } from "../../session/LdapSession.ts"
import { failure, type Finding, ok, warning } from "./Finding.ts"

/** Which product the server is, by the attributes of its root DSE. */
export const vendorOf = (rootDse: LdapEntry): string => {
  const vendor = [rootDse.get("vendorName"), rootDse.get("vendorVersion")].filter((part) => part !== undefined).join(
    " "
  )
  if (rootDse.getAll("objectClass").some((name) => name === "OpenLDAProotDSE")) return `OpenLDAP ${vendor}`.trim()
  if (isActiveDirectory(rootDse)) {
    return `${vendor === "" ? "Active Directory" : vendor}, domain controller ${rootDse.get("dnsHostName") ?? ""}`
      .trim()
  }
  return vendor === "" ? "unknown: it names no vendor" : vendor
}

export const isActiveDirectory = (rootDse: LdapEntry): boolean => serverKindOf(rootDse) === "activeDirectory"

/** The names that this library uses for controls. */
const controlNames: ReadonlyMap<string, string> = new Map(
  Object.values(LdapControl as Readonly<Record<string, unknown>>).flatMap((value) =>
    typeof value === "object" && value !== null && "oid" in value && typeof value.oid === "string" && "name" in value &&
      typeof value.name === "string"
      ? [[value.oid, value.name.replace(/ (?:request|response)$/, "")] as const]
      : []
  )
)

export const examineRootDse = (rootDse: LdapEntry): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = [ok("vendor", vendorOf(rootDse))]
  const contexts = rootDse.getAll("namingContexts")
  findings.push(
    contexts.length > 0
      ? ok("contexts", contexts.join("; "))
      : warning("contexts", "the server names none", "Give --base with every search.")
  )
  const versions = rootDse.getAll("supportedLDAPVersion")
  if (versions.length > 0 && !versions.includes("3")) {
    findings.push(failure("version", `LDAP ${versions.join(", ")}`, "This client speaks version 3 only."))
  }
  // Samba lists some of them several times.
  const controls = new Set(rootDse.getAll("supportedControl"))
  const known = Array.from(controls).flatMap((oid) => controlNames.get(oid) ?? []).sort()
  findings.push(ok("controls", `${controls.size}, of which known: ${known.join(", ") || "none"}`))
  const mechanisms = rootDse.getAll("supportedSASLMechanisms")
  findings.push(ok("SASL", mechanisms.length === 0 ? "no mechanism: simple binds only" : mechanisms.join(", ")))
  findings.push(
    LdapRootDse.supportsControl(rootDse, LdapControl.paging)
      ? ok("paging", "supported (RFC 2696)")
      : warning("paging", "not listed", "Searches may end at the server's size limit; --all can't help.")
  )
  return findings
}

/** What an anonymous session may read. */
export const examineAnonymous = Effect.fnUntraced(function*(
  session: LdapSession,
  context: string | undefined
): Effect.fn.Return<ReadonlyArray<Finding>> {
  if (context === undefined) return []
  const found = yield* Effect.result(
    Stream.runCollect(Stream.take(session.search({ base: context, attributes: ["1.1"], sizeLimit: 3 }), 2))
  )
  const entries = Result.isSuccess(found) ? found.success.length : 0
  return [
    entries > 0
      ? warning(
        "anonymous",
        `may read entries below ${context}`,
        "If that isn't wanted, let the server's access control forbid it."
      )
      : ok("anonymous", `may read no entries below ${context}`)
  ]
})
