#!/usr/bin/env node
/**
 * `npx effect-ldap`: turns on Node's compile cache, and starts. The cache is in the user's own folder, since a folder that all users can
 * write to could contain another user's code. If the folder can't be written, Node compiles without a cache.
 */
import { enableCompileCache } from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

enableCompileCache(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "effect-ldap"))
const { start } = await import("./start.ts")
start(new URL("../../package.json", import.meta.url))
