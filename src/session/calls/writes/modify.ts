/** Modify (RFC 4511 section 4.6). */
import type { LdapResult } from "../../../model/LdapError.ts"
import { dnFrom, type DnInput, modificationFrom, type ModificationInput } from "../../../model/ldapts.ts"
import type { RequestOperation } from "../../../protocol/LdapMessage.ts"
import type { LdapOperations, OperationOptions, ReferralPolicy } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import { Update } from "./update.ts"

type Changes = ModificationInput | ReadonlyArray<ModificationInput>

export const modify = (dn: DnInput, changes: Changes, options?: OperationOptions): Call<LdapResult> =>
  new Modify(dn, changes, options)

class Modify extends Update {
  readonly name = "modify"
  readonly expects = "ModifyResponse"
  readonly #changes: Changes

  constructor(dn: DnInput, changes: Changes, options: OperationOptions | undefined) {
    super(dn, options)
    this.#changes = changes
  }

  request(): RequestOperation {
    return { _tag: "ModifyRequest", dn: dnFrom(this.dn), changes: listOf(this.#changes).map(modificationFrom) }
  }

  run(on: LdapOperations) {
    return on.modify(this.dn, this.#changes, this.options)
  }

  at(dn: DnInput, referrals: ReferralPolicy): Call<LdapResult> {
    return new Modify(dn, this.#changes, { ...this.options, referrals })
  }
}

const listOf = (changes: Changes): ReadonlyArray<ModificationInput> => isList(changes) ? changes : [changes]

/** `Array.isArray` does not narrow read-only arrays. */
const isList = (changes: Changes): changes is ReadonlyArray<ModificationInput> => Array.isArray(changes)
