import type * as Crypto from "node:crypto"
import { lazily } from "../../model/lazily.ts"

/**
 * Node's cryptography for code that every session loads and few use. With an `import` it would take a tenth of the start of a program
 * that doesn't use it.
 */
export const nodeCrypto = lazily((): typeof Crypto => process.getBuiltinModule("node:crypto"))
