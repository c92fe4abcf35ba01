#!/usr/bin/env node
/**
 * `npx effect-ldap`: has Node keep what it compiles, and starts. The cache is in the user's own folder, since one in a folder that all users
 * may write to could hold another user's code. Node does without where it can't be written.
 */
import { enableCompileCache } from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

enableCompileCache(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "effect-ldap"))
const { start } = await import("./start.ts")
start(new URL("../../package.json", import.meta.url))
