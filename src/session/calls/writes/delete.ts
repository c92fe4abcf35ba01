/** Delete (RFC 4511 section 4.8). */
import type { LdapResult } from "../../../model/LdapError.ts"
import { dnFrom, type DnInput } from "../../../model/ldapts.ts"
import type { RequestOperation } from "../../../protocol/LdapMessage.ts"
import type { LdapOperations, OperationOptions, ReferralPolicy } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import { Update } from "./update.ts"

export const delete_ = (dn: DnInput, options?: OperationOptions): Call<LdapResult> => new Delete(dn, options)

class Delete extends Update {
  readonly name = "delete"
  readonly expects = "DeleteResponse"

  request(): RequestOperation {
    return { _tag: "DeleteRequest", dn: dnFrom(this.dn) }
  }

  run(on: LdapOperations) {
    return on.delete(this.dn, this.options)
  }

  at(dn: DnInput, referrals: ReferralPolicy): Call<LdapResult> {
    return new Delete(dn, { ...this.options, referrals })
  }
}
