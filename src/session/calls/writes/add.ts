/** Add (RFC 4511 section 4.7). */
import type { LdapResult } from "../../../model/LdapError.ts"
import { dnFrom, type DnInput, entryAttributesFrom, type EntryAttributesInput } from "../../../model/ldapts.ts"
import type { RequestOperation } from "../../../protocol/LdapMessage.ts"
import type { LdapOperations, OperationOptions, ReferralPolicy } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import { Update } from "./update.ts"

export const add = (dn: DnInput, attributes: EntryAttributesInput, options?: OperationOptions): Call<LdapResult> =>
  new Add(dn, attributes, options)

class Add extends Update {
  readonly name = "add"
  readonly expects = "AddResponse"
  readonly #attributes: EntryAttributesInput

  constructor(dn: DnInput, attributes: EntryAttributesInput, options: OperationOptions | undefined) {
    super(dn, options)
    this.#attributes = attributes
  }

  request(): RequestOperation {
    return {
      _tag: "AddRequest",
      dn: dnFrom(this.dn),
      // An attribute of an entry has a value (RFC 4512 section 2.5): one without is one that the entry hasn't.
      attributes: entryAttributesFrom(this.#attributes).filter(({ values }) => values.length > 0)
    }
  }

  run(on: LdapOperations) {
    return on.add(this.dn, this.#attributes, this.options)
  }

  at(dn: DnInput, referrals: ReferralPolicy): Call<LdapResult> {
    return new Add(dn, this.#attributes, { ...this.options, referrals })
  }
}
