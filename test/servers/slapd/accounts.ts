/**
 * The second directory of slapd, as LDIF: accounts in states that its password policy supports, and an account that may act for
 * others.
 *
 * It has the overlays; the first directory has only what every server supports. Each account is a person below it, with the
 * password of its own name, `passwordOf("expiring")`, and with its own policy, so that no test disturbs another.
 */
import { base, passwordOf, record } from "../directory.ts"

const generalizedTime = (millis: number): string => new Date(millis).toISOString().replace(/[-:T]|\.\d+/g, "")

/** The states, and the attributes of the policy and the account for each. */
const states: Readonly<
  Record<string, { readonly policy: ReadonlyArray<string>; readonly account?: ReadonlyArray<string> }>
> = {
  /** Its password expires within a day, so the server warns. It is a minute old, since a warning requires more than a second. */
  expiring: {
    policy: ["pwdMaxAge: 86400", "pwdExpireWarning: 86399"],
    account: [`pwdChangedTime: ${generalizedTime(Date.now() - 60_000)}`]
  },
  /** Its password has expired, but still works for two binds. */
  grace: { policy: ["pwdMaxAge: 1", "pwdGraceAuthNLimit: 2"], account: ["pwdChangedTime: 20200101000000Z"] },
  /** Like `grace`, for one bind. */
  grace2: { policy: ["pwdMaxAge: 1", "pwdGraceAuthNLimit: 1"], account: ["pwdChangedTime: 20200101000000Z"] },
  expired: { policy: ["pwdMaxAge: 1"], account: ["pwdChangedTime: 20200101000000Z"] },
  /** Locked by the administrator. */
  locked: { policy: ["pwdLockout: TRUE"], account: ["pwdAccountLockedTime: 000001010000Z"] },
  /** Must change the password before any other operation. */
  reset: { policy: ["pwdMustChange: TRUE"], account: ["pwdReset: TRUE"] },
  reset2: { policy: ["pwdMustChange: TRUE"], account: ["pwdReset: TRUE"] },
  /** Three wrong passwords lock it. A new password must be long and new, and the old one must be sent with it. */
  strict: {
    policy: [
      "pwdMinLength: 8",
      "pwdCheckQuality: 2",
      "pwdInHistory: 3",
      "pwdSafeModify: TRUE",
      "pwdMinAge: 0"
    ]
  },
  /** Three wrong passwords lock it. */
  lockable: { policy: ["pwdLockout: TRUE", "pwdMaxFailure: 3", "pwdLockoutDuration: 3600"] },
  /** Changes its password repeatedly. */
  changing: {
    policy: ["pwdMinAge: 86400"],
    account: [`pwdChangedTime: ${generalizedTime(Date.now())}`]
  }
}

/** The name of the second directory. The administrator of the first one administers it. */
export const accountsBase = "o=accounts"

export const accounts = (): string =>
  [
    record(accountsBase, ["objectClass: organization", "o: accounts"]),
    record(`cn=proxy,${accountsBase}`, [
      "objectClass: organizationalRole",
      "objectClass: simpleSecurityObject",
      "cn: proxy",
      `userPassword: ${passwordOf("proxy")}`,
      `authzTo: dn.regex:^uid=[^,]+,ou=people,${base}$`
    ]),
    ...Object.entries(states).flatMap(([name, { account = [], policy }]) => [
      record(`cn=${name} policy,${accountsBase}`, [
        "objectClass: organizationalRole",
        "objectClass: pwdPolicy",
        `cn: ${name} policy`,
        "pwdAttribute: userPassword",
        ...policy
      ]),
      record(`uid=${name},${accountsBase}`, [
        "objectClass: inetOrgPerson",
        `uid: ${name}`,
        `cn: ${name}`,
        "sn: Example",
        `userPassword: ${passwordOf(name)}`,
        `pwdPolicySubentry: cn=${name} policy,${accountsBase}`,
        ...account
      ])
    ])
  ].join("\n")
