/** PBKDF2 (RFC 2898) on Node's thread pool. */
import * as Effect from "effect/Effect"
import { pbkdf2 as derive } from "node:crypto"

/**
 * Interruption doesn't wait for the thread, which finishes its work. Parameters out of range are a defect; callers must check them.
 */
export const pbkdf2 = (
  hash: "sha1" | "sha256" | "sha384",
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  bytes: number
): Effect.Effect<Buffer> =>
  Effect.callback((resume) => {
    derive(password, salt, iterations, bytes, hash, (error, key) => {
      resume(error === null ? Effect.succeed(key) : Effect.die(error))
    })
  })
