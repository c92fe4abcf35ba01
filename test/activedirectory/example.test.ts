/** Runs examples/active-directory.ts with a real domain controller: every job of it, including those that write. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { inject } from "vitest"
import { bigGroupMembers } from "../servers/samba.ts"
import { waitFor } from "../servers/setup/waitFor.ts"

const samba = inject("samba")

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)

  it("runs the example, which leaves no changes", async () => {
    const example = fileURLToPath(new URL("../../examples/active-directory.ts", import.meta.url))
    const { stderr, stdout } = await promisify(execFile)(process.execPath, [example], {
      env: {
        ...process.env,
        AD_URL: samba.urls.ldaps,
        AD_BASE: samba.base,
        AD_OU: `OU=scratch,${samba.base}`,
        AD_BIND_NAME: samba.admin.upn,
        AD_PASSWORD: samba.admin.password,
        AD_CA: samba.caFile
      }
    })
    assert.strictEqual(stderr, "")
    const said = stdout.split("\n")
    for (
      const line of [
        "the controller's site is Default-First-Site-Name, this machine's Default-First-Site-Name",
        "created an account that can log in, by one add",
        "login by UPN, password to be changed: MustChangePassword",
        "login with a new password: changed true; by UPN: ok",
        "after a reset: ok",
        "disabled: AccountDisabled; expired: AccountExpired; taken back: ok",
        "groups: -staff (2), -team (1), Domain Users (1), Users (2)",
        "in staff, nested: true",
        "by its GUID: Ada",
        "protected from deletion: true",
        "restored as it was named: true"
      ]
    ) assert.include(said, line)
    // Other tests add users to this domain meanwhile.
    assert.match(stdout, /^.+ is in Domain Users, by its primary group$/m)
    assert.match(stdout, /^[1-9] references, not followed$/m)
    assert.match(stdout, new RegExp(`^[0-9]+ groups with members, the largest with ${bigGroupMembers}$`, "m"))
  })
})
