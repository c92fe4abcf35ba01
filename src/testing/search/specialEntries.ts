/**
 * The entries outside of the tree: the root DSE and the subschema entry. A base search finds them by name.
 */
import type * as LdapDn from "../../model/dn/LdapDn.ts"
import type { Offers } from "../connection/ConnectionOptions.ts"
import type { DirectoryState } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"
import { rootDse, serviceEntry } from "./rootDse.ts"
import { subschemaEntry } from "./subschemaEntry.ts"

export const specialEntry = (
  state: DirectoryState,
  dn: LdapDn.LdapDn,
  offers: Offers
): DirectoryEntry | undefined =>
  dn.rdns.length === 0
    ? rootDse(state, offers)
    : dn.key === "cn=subschema"
    ? subschemaEntry(state)
    : serviceEntry(state, dn)
