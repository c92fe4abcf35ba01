/**
 * Whether someone has the password of an entry, or the administrator's, and what the password policy makes of it.
 */
import type { PasswordPolicyResponse } from "../../model/control/LdapControlPasswordPolicy.ts"
import type * as LdapDn from "../../model/dn/LdapDn.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import { anonymous, type DirectoryState, type Requester } from "../directory/DirectoryState.ts"
import { answer, success } from "../operations/directoryResult.ts"
import { clearText, isPassword, isUnicodePassword } from "./passwordHashes.ts"
import { judge } from "./passwordPolicy.ts"

/** What a bind comes to: the answer, and who the connection belongs to from now on. */
export interface BindOutcome {
  readonly result: ResultFields
  readonly requester: Requester
  /** What the password policy says of it. */
  readonly policy?: PasswordPolicyResponse | undefined
  /** Whether nothing may be done but to change the password. */
  readonly restricted?: boolean | undefined
}

const wrong = answer(LdapResultCode.invalidCredentials)

/** Checks passwords at one moment; `now` is the Clock's time in milliseconds. */
export class PasswordCheck {
  readonly #state: DirectoryState
  readonly #now: number

  constructor(state: DirectoryState, now: number) {
    this.#state = state
    this.#now = now
  }

  /** Nobody learns from the answer whether it was the name that was wrong. */
  verify(dn: LdapDn.LdapDn | undefined, password: Uint8Array): BindOutcome {
    const { administrator } = this.#state
    const isOwn = dn?.key === administrator.dn.key && administrator.password !== undefined &&
      Buffer.compare(administrator.password, password) === 0
    if (isOwn) return { result: success, requester: { dn: administrator.dn } }
    const entry = dn === undefined ? undefined : this.#state.tree.find(dn)
    const right = entry?.values("userpassword").some((stored) => isPassword(stored, password)) === true ||
      entry?.values("unicodepwd").some((stored) => isUnicodePassword(stored, password)) === true
    return this.judge(dn, right)
  }

  /** The outcome of a bind whose password was found to be right or wrong. */
  judge(dn: LdapDn.LdapDn | undefined, right: boolean): BindOutcome {
    const { administrator, passwordPolicy, tree } = this.#state
    const entry = dn === undefined ? undefined : tree.find(dn)
    const requester = right ? { dn: entry?.dn ?? dn } : anonymous
    if (passwordPolicy === undefined || entry === undefined || dn?.key === administrator.dn.key) {
      return { result: right ? success : wrong, requester }
    }
    const { admitted, response, restricted } = judge(passwordPolicy, entry, right, this.#now)
    return {
      result: admitted ? success : wrong,
      requester: admitted ? requester : anonymous,
      policy: response,
      restricted
    }
  }

  /** The password itself, for mechanisms that need it; none where only its hash is stored. */
  clearText(dn: LdapDn.LdapDn | undefined): Uint8Array | undefined {
    const { administrator, tree } = this.#state
    if (dn === undefined) return undefined
    if (dn.key === administrator.dn.key && administrator.password !== undefined) return administrator.password
    return tree.find(dn)?.values("userpassword").map(clearText).find((password) => password !== undefined)
  }
}
