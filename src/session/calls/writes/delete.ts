/** Delete (RFC 4511 section 4.8). */
import type { LdapResult } from "../../../model/LdapError.ts"
import { dnFrom, type DnInput } from "../../../model/ldapts.ts"
import type { OperationOptions } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import { update } from "./update.ts"

export const delete_ = (dn: DnInput, options?: OperationOptions): Call<LdapResult> =>
  update({
    name: "delete",
    dn,
    options,
    request: () => ({ _tag: "DeleteRequest", dn: dnFrom(dn) }),
    expects: "DeleteResponse",
    run: (on) => on.delete(dn, options),
    at: (dn, referrals) => delete_(dn, { ...options, referrals })
  })
