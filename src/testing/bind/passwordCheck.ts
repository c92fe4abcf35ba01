/**
 * Checks the password of an entry or of the administrator, and applies the password policy.
 */
import type { PasswordPolicyResponse } from "../../model/control/LdapControlPasswordPolicy.ts"
import type * as LdapDn from "../../model/dn/LdapDn.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import { anonymous, type DirectoryState, type Requester } from "../directory/DirectoryState.ts"
import { answer, success } from "../operations/directoryResult.ts"
import { clearText, isPassword, isUnicodePassword } from "./passwordHashes.ts"
import { judge } from "./passwordPolicy.ts"

/** The outcome of a bind: the answer, and the identity of the connection from now on. */
export interface BindOutcome {
  readonly result: ResultFields
  readonly requester: Requester
  /** The content of the password policy response control. */
  readonly policy?: PasswordPolicyResponse | undefined
  /** Whether the password must be changed before other operations. */
  readonly restricted?: boolean | undefined
}

const wrong = answer(LdapResultCode.invalidCredentials)

/** Checks passwords at one moment. `now` is the Clock's time in milliseconds. */
export class PasswordCheck {
  readonly #state: DirectoryState
  readonly #now: number

  constructor(state: DirectoryState, now: number) {
    this.#state = state
    this.#now = now
  }

  /** The answer is the same for a wrong name and a wrong password, so a client can't tell which it was. */
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

  /** The outcome of a bind, after its password was checked. */
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

  /** The password in clear text, for mechanisms that need it; `undefined` if only a hash is stored. */
  clearText(dn: LdapDn.LdapDn | undefined): Uint8Array | undefined {
    const { administrator, tree } = this.#state
    if (dn === undefined) return undefined
    if (dn.key === administrator.dn.key && administrator.password !== undefined) return administrator.password
    return tree.find(dn)?.values("userpassword").map(clearText).find((password) => password !== undefined)
  }
}
