/** The primary group of an account of Active Directory, which no server lists among the groups of the account. */
import * as Result from "effect/Result"
import type { LdapEntry } from "../entry/LdapEntry.ts"
import * as Sid from "./Sid.ts"

/** Its SID, from `objectSid` and `primaryGroupID` of the account; `undefined` if the entry lacks either. */
export const primaryGroupSidOf = (entry: LdapEntry): string | undefined => {
  const bytes = entry.getBytes("objectSid")
  const rid = entry.get("primaryGroupID")
  if (bytes === undefined || rid === undefined || !/^[0-9]{1,10}$/.test(rid)) return undefined
  return Result.getOrUndefined(
    Sid.fromBytes(bytes).pipe(
      Result.flatMap(Sid.domainOf),
      Result.flatMap((domain) => Sid.withRid(domain, Number(rid)))
    )
  )
}
