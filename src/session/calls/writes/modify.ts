/** Modify (RFC 4511 section 4.6). */
import type { LdapResult } from "../../../model/LdapError.ts"
import { dnFrom, type DnInput, modificationFrom, type ModificationInput } from "../../../model/ldapts.ts"
import type { OperationOptions } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import { update } from "./update.ts"

export const modify = (
  dn: DnInput,
  changes: ModificationInput | ReadonlyArray<ModificationInput>,
  options?: OperationOptions
): Call<LdapResult> =>
  update({
    name: "modify",
    dn,
    options,
    request: () => ({ _tag: "ModifyRequest", dn: dnFrom(dn), changes: listOf(changes).map(modificationFrom) }),
    expects: "ModifyResponse",
    run: (on) => on.modify(dn, changes, options),
    at: (dn, referrals) => modify(dn, changes, { ...options, referrals })
  })

const listOf = (changes: ModificationInput | ReadonlyArray<ModificationInput>): ReadonlyArray<ModificationInput> =>
  isList(changes) ? changes : [changes]

/** `Array.isArray` does not narrow read-only arrays. */
const isList = (
  changes: ModificationInput | ReadonlyArray<ModificationInput>
): changes is ReadonlyArray<ModificationInput> => Array.isArray(changes)
