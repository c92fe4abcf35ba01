/** Modify DN (RFC 4511 section 4.9). */
import * as Result from "effect/Result"
import * as LdapDn from "../../../model/dn/LdapDn.ts"
import type { LdapResult } from "../../../model/LdapError.ts"
import { dnFrom, type DnInput } from "../../../model/ldapts.ts"
import type { RequestOperation } from "../../../protocol/LdapMessage.ts"
import type { LdapOperations, ReferralPolicy, RenameOptions } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import { Update } from "./update.ts"

export const rename = (dn: DnInput, options: RenameOptions): Call<LdapResult> => new Rename(dn, options)

class Rename extends Update {
  readonly name = "rename"
  readonly expects = "ModifyDnResponse"
  readonly #renaming: RenameOptions

  constructor(dn: DnInput, renaming: RenameOptions) {
    super(dn, renaming)
    this.#renaming = renaming
  }

  request(): RequestOperation {
    const dn = dnFrom(this.dn)
    const { deleteOldRdn = true, newSuperior } = this.#renaming
    return {
      _tag: "ModifyDnRequest",
      dn,
      newRdn: newRdnOf(dn, this.#renaming),
      deleteOldRdn,
      newSuperior: newSuperior === undefined ? undefined : dnFrom(newSuperior)
    }
  }

  run(on: LdapOperations) {
    return on.rename(this.dn, this.#renaming)
  }

  at(dn: DnInput, referrals: ReferralPolicy): Call<LdapResult> {
    return new Rename(dn, { ...this.#renaming, referrals })
  }
}

/** As it is given; for a move alone, the entry's own, which was found to be readable. */
const newRdnOf = (dn: string, { newRdn }: RenameOptions): string =>
  newRdn === undefined
    ? String(Result.getOrThrow(LdapDn.parse(dn, { lenient: true })).rdns[0] ?? "")
    : newRdn.toString()
