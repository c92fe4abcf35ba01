/** Modify DN (RFC 4511 section 4.9). */
import * as Result from "effect/Result"
import * as LdapDn from "../../../model/dn/LdapDn.ts"
import type { LdapResult } from "../../../model/LdapError.ts"
import { dnFrom, type DnInput } from "../../../model/ldapts.ts"
import type { RenameOptions } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import { update } from "./update.ts"

export const rename = (dn: DnInput, options: RenameOptions): Call<LdapResult> =>
  update({
    name: "rename",
    dn,
    options,
    request: () => ({
      _tag: "ModifyDnRequest",
      dn: dnFrom(dn),
      newRdn: newRdnOf(dnFrom(dn), options),
      deleteOldRdn: options.deleteOldRdn ?? true,
      newSuperior: options.newSuperior === undefined ? undefined : dnFrom(options.newSuperior)
    }),
    expects: "ModifyDnResponse",
    run: (on) => on.rename(dn, options),
    at: (dn, referrals) => rename(dn, { ...options, referrals })
  })

/** As it is given; for a move alone, the entry's own, which was found to be readable. */
const newRdnOf = (dn: string, { newRdn }: RenameOptions): string =>
  newRdn === undefined
    ? String(Result.getOrThrow(LdapDn.parse(dn, { lenient: true })).rdns[0] ?? "")
    : newRdn.toString()
