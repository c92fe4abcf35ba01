/** Add (RFC 4511 section 4.7). */
import type { LdapResult } from "../../../model/LdapError.ts"
import { dnFrom, type DnInput, entryAttributesFrom, type EntryAttributesInput } from "../../../model/ldapts.ts"
import type { OperationOptions } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import { update } from "./update.ts"

export const add = (dn: DnInput, attributes: EntryAttributesInput, options?: OperationOptions): Call<LdapResult> =>
  update({
    name: "add",
    dn,
    options,
    // An attribute of an entry has a value (RFC 4512 section 2.5): one without is one that the entry hasn't.
    request: () => ({
      _tag: "AddRequest",
      dn: dnFrom(dn),
      attributes: entryAttributesFrom(attributes).filter(({ values }) => values.length > 0)
    }),
    expects: "AddResponse",
    run: (on) => on.add(dn, attributes, options),
    at: (dn, referrals) => add(dn, attributes, { ...options, referrals })
  })
