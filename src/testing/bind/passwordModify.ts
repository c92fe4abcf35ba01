/**
 * Password Modify (RFC 3062): sets the password of an entry. If the request has no new password, the directory generates one.
 */
import * as Result from "effect/Result"
import { randomBytes } from "node:crypto"
import { BerReader } from "../../ber/BerReader.ts"
import { BerWriter } from "../../ber/BerWriter.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ModifyRequest, ResultFields } from "../../protocol/LdapMessage.ts"
import { type DirectoryState, parseDn, type Requester } from "../directory/DirectoryState.ts"
import { StoredAttribute } from "../directory/DirectoryTree.ts"
import { answer, success } from "../operations/directoryResult.ts"
import { identify } from "./identities.ts"
import { hashPassword, isPassword } from "./passwordHashes.ts"
import { passwordSet, refusePasswords } from "./passwordPolicy.ts"

interface Asked {
  readonly user?: string
  readonly oldPassword?: Uint8Array
  readonly newPassword?: Uint8Array
}

export interface PasswordModified {
  readonly result: ResultFields
  /** The value of the response: the generated password. */
  readonly value?: Uint8Array | undefined
}

const refuse = (code: number, text: string): PasswordModified => ({ result: answer(code, text) })

const read = (value: Uint8Array | undefined): Result.Result<Asked, unknown> =>
  Result.try(() => {
    if (value === undefined) return {}
    const reader = new BerReader(Buffer.from(value))
    const fields = reader.sequence()
    reader.expectEnd()
    const field = (tag: number) => fields.peek() === tag ? new Uint8Array(fields.octets(tag)) : undefined
    const user = field(0x80)
    const oldPassword = field(0x81)
    const newPassword = field(0x82)
    fields.expectEnd()
    return {
      ...(user === undefined ? undefined : { user: Buffer.from(user).toString("utf8") }),
      ...(oldPassword === undefined ? undefined : { oldPassword }),
      ...(newPassword === undefined ? undefined : { newPassword })
    }
  })

export const passwordModify = (
  state: DirectoryState,
  value: Uint8Array | undefined,
  requester: Requester,
  now: number
): PasswordModified => {
  const asked = read(value)
  if (Result.isFailure(asked)) return refuse(LdapResultCode.protocolError, "data decoding error")
  const { newPassword, oldPassword, user = "" } = asked.success
  if (requester.dn === undefined) {
    return refuse(LdapResultCode.strongerAuthRequired, "only authenticated users may change passwords")
  }
  const dn = user === "" ? requester.dn : parseDn(user) ?? identify(state, user)?.dn
  if (dn === undefined) return refuse(LdapResultCode.invalidAttributeSyntax, "Invalid DN")
  if (newPassword?.length === 0) return refuse(LdapResultCode.unwillingToPerform, "new password value is empty")
  const entry = state.tree.find(dn)
  if (entry === undefined) return refuse(LdapResultCode.noSuchObject, "")
  const type = state.types.find("userPassword")
  if (type === undefined) return refuse(LdapResultCode.unwillingToPerform, "")
  const stored = entry.values("userpassword")
  const password = newPassword ?? Buffer.from(randomBytes(6).toString("base64url"))
  const request: ModifyRequest = {
    _tag: "ModifyRequest",
    dn: entry.dn.toString(),
    changes: [{ operation: "replace", attribute: "userPassword", values: [password] }]
  }
  // Every identity may change its own password.
  if (requester.dn.key !== entry.dn.key && !state.mayDo(requester, request)) {
    return refuse(LdapResultCode.insufficientAccessRights, "")
  }
  if (oldPassword !== undefined && !stored.some((one) => isPassword(one, oldPassword))) {
    return refuse(LdapResultCode.unwillingToPerform, "unwilling to verify old password")
  }
  const policy = state.passwordPolicy
  const administrator = state.isAdministrator(requester)
  const refused = policy === undefined || administrator ? undefined : refusePasswords(policy, entry, [password])
  if (refused !== undefined) return { result: refused }
  const { attributes, history } = entry
  const values = [hashPassword(state.passwordScheme, password)]
  state.tree.update(entry, new Map(attributes).set(type.key, new StoredAttribute("userPassword", type, values)))
  entry.history = { ...history, modified: now, modifier: requester.dn.toString() }
  if (policy !== undefined) passwordSet(policy, entry, stored, administrator, now)
  state.changes.made("modify", entry, () => {
    state.tree.update(entry, attributes)
    entry.history = history
  }, { attributes })
  return { result: success, value: newPassword === undefined ? generated(password) : undefined }
}

const generated = (password: Uint8Array): Uint8Array => {
  const writer = new BerWriter()
  writer.start()
  writer.octets(password, 0x80)
  writer.end()
  return writer.finish()
}
