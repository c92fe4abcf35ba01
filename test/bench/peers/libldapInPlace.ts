/** libldap with functions that its manual doesn't describe, as `ldapsearch` uses them: values in the memory of the message, without copies. */
import { connectBy } from "./libldap.ts"
import type { Peer } from "./Peer.ts"

export const peer: Peer = { connect: connectBy("inplace") }
