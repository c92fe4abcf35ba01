/**
 * Referral objects (RFC 3296), which point to other servers. With ManageDsaIT a client manages them as ordinary entries.
 */
import * as Result from "effect/Result"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import * as LdapUrl from "../../model/url/LdapUrl.ts"
import type { ResultFields, Scope } from "../../protocol/LdapMessage.ts"
import { type DirectoryState, prettyRdn, type Requester } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"
import { refType } from "../directory/standardTypes.ts"
import { answer } from "./directoryResult.ts"
import type { RequestControls } from "./requestControls.ts"

/**
 * The referral of an operation whose entry is a referral object or below one. For a search, the URLs have its scope. If the
 * requester may not see the referral object, the entry is reported as missing.
 */
export const referral = (
  state: DirectoryState,
  dn: LdapDn.LdapDn,
  requester: Requester,
  controls: RequestControls,
  scope?: Scope
): ResultFields | undefined => {
  for (let name: LdapDn.LdapDn | undefined = dn; name !== undefined; name = LdapDn.parent(name)) {
    const entry = state.tree.find(name)
    if (entry === undefined) continue
    if (!entry.isReferral || (controls.manageDsaIt === true && name.key === dn.key)) return undefined
    if (!mayRefer(state, requester, entry)) return state.noSuchObject(requester, dn)
    const below = (LdapDn.relativeTo(dn, name)?.rdns ?? []).map((rdn) => prettyRdn(state.types, rdn).toString()).join(
      ","
    )
    return {
      ...answer(LdapResultCode.referral, "", entry.dn.toString()),
      referrals: uris(entry, scope, below)
    }
  }
  return undefined
}

/** Whether the requester may receive the URLs of a referral object. As with slapd, it must see the entry and its `ref`. */
export const mayRefer = (state: DirectoryState, requester: Requester, entry: DirectoryEntry): boolean =>
  state.maySeeEntry(requester, entry) && state.maySee(requester, entry, refType)

/** The URLs at which a search continues below a referral object. */
export const continuation = (entry: DirectoryEntry, scope: Scope): ReadonlyArray<string> =>
  uris(entry, scope === "one" ? "base" : "subtree", "")

/** The URLs of a referral object, with the requested name and the scope. */
const uris = (
  entry: DirectoryEntry,
  scope: Scope | undefined,
  below: string
): ReadonlyArray<string> =>
  entry.values("ref").map((value) => {
    // A label may follow the URL.
    const [text = ""] = Buffer.from(value).toString("utf8").split(" ")
    const url = LdapUrl.parse(text)
    if (Result.isFailure(url)) return text
    const [start = "", name = ""] = /^([^/]*\/\/[^/]*)\/?([^?]*)/.exec(text)?.slice(1) ?? []
    const there = decodeURIComponent(name) === "" ? entry.dn.toString() : decodeURIComponent(name)
    const full = below === "" ? there : `${below},${there}`
    const suffix = scope === undefined ? "" : `??${scopeNames[scope]}`
    return `${start}/${encodeURI(full).replace(/\?/g, "%3F").replace(/#/g, "%23")}${suffix}`
  })

const scopeNames: Readonly<Record<Scope, string>> = {
  base: "base",
  one: "one",
  subtree: "sub",
  subordinates: "subordinate"
}
