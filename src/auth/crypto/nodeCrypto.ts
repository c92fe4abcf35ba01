import type * as Crypto from "node:crypto"

let loaded: typeof Crypto | undefined

/**
 * Node's cryptography for code that every session loads and few use. With an `import` it would take a tenth of the start of a program
 * that doesn't use it.
 */
export const nodeCrypto = (): typeof Crypto => loaded ??= process.getBuiltinModule("node:crypto")
