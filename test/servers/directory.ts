/**
 * The directory of the tests as LDIF, the same for all servers.
 *
 * dc=example,dc=com with people, groups, 1,200 small entries for searches, and names that refer to other servers.
 */

export const base = "dc=example,dc=com"

/** The administrator's name and password. */
export const admin = { dn: `cn=admin,${base}`, password: "secret" } as const

/** The password of a person: alicepw-1 for alice. */
export const passwordOf = (uid: string): string => `${uid}pw-1`

/** The number of entries below ou=many: cn=e0001 to cn=e1200, with uidNumber 1199 down to 0. */
export const manyEntries = 1200

/** The first bytes of a JPEG, then all byte values. It isn't text in any encoding. */
export const photo: Uint8Array = Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, ...Array.from({ length: 256 }, (_, i) => i)])

/**
 * The directory. Its referral objects point to `url`, which is its own address. `top` are additional attributes of the entry at its
 * top.
 */
export const directory = (url: string, top: ReadonlyArray<string> = []): string => {
  const units = ["people", "groups", "many", "referrals", "scratch"].map((ou) =>
    record(`ou=${ou},${base}`, ["objectClass: organizationalUnit", `ou: ${ou}`])
  )
  const many = Array.from({ length: manyEntries }, (_, i) => {
    const cn = `e${String(i + 1).padStart(4, "0")}`
    const uidNumber = manyEntries - 1 - i
    return record(`cn=${cn},ou=many,${base}`, [
      "objectClass: device",
      "objectClass: extensibleObject",
      `cn: ${cn}`,
      `uidNumber: ${uidNumber}`
    ])
  })
  return [
    record(base, ["objectClass: organization", "objectClass: dcObject", "o: Example", "dc: example", ...top]),
    ...units,
    person("alice", "Alice", "Example", 10_001),
    person("bob", "Bob", "Example", 10_002),
    person("carol", "Carol", "Example", 10_003),
    person("günther", "Günther", "Müller-Lüdenscheidt", 10_004, ["cn;lang-de: Günther der Ältere"]),
    person("hanako", "花子", "山田", 10_005, [
      `jpegPhoto:: ${base64(photo)}`,
      `description:: ${base64("two\nlines ")}`
    ]),
    // A comma, a plus sign and a quotation mark in the name.
    record(`cn=Smith\\, John \\+ \\"Jack\\",ou=people,${base}`, [
      "objectClass: person",
      "cn: Smith, John + \"Jack\"",
      "sn: Smith"
    ]),
    group("team", ["alice", "bob"]),
    group("everyone", ["alice", "bob", "carol", "günther", "hanako"]),
    referral("here", [`${url}/ou=people,${base}`]),
    // Two servers that don't exist.
    referral("elsewhere", ["ldap://127.0.0.1:1/dc=elsewhere", "ldaps://127.0.0.1:2/dc=elsewhere"]),
    record(`cn=alias,ou=referrals,${base}`, [
      "objectClass: alias",
      "objectClass: extensibleObject",
      "cn: alias",
      `aliasedObjectName: uid=alice,ou=people,${base}`
    ]),
    ...many
  ].join("\n")
}

const person = (
  uid: string,
  givenName: string,
  sn: string,
  uidNumber: number,
  more: ReadonlyArray<string> = []
): string =>
  record(`uid=${uid},ou=people,${base}`, [
    "objectClass: inetOrgPerson",
    "objectClass: posixAccount",
    `uid: ${uid}`,
    `cn: ${givenName} ${sn}`,
    `givenName: ${givenName}`,
    `sn: ${sn}`,
    `mail: ${uid.normalize("NFD").replace(/[^a-z]/g, "")}@example.com`,
    `uidNumber: ${uidNumber}`,
    "gidNumber: 100",
    `homeDirectory: /home/${uidNumber}`,
    `userPassword: ${passwordOf(uid)}`,
    ...more
  ])

const group = (cn: string, members: ReadonlyArray<string>): string =>
  record(`cn=${cn},ou=groups,${base}`, [
    "objectClass: groupOfNames",
    `cn: ${cn}`,
    ...members.map((uid) => `member: uid=${uid},ou=people,${base}`)
  ])

const referral = (cn: string, urls: ReadonlyArray<string>): string =>
  record(`cn=${cn},ou=referrals,${base}`, [
    "objectClass: referral",
    "objectClass: extensibleObject",
    `cn: ${cn}`,
    ...urls.map((url) => `ref: ${url}`)
  ])

const base64 = (value: string | Uint8Array): string => Buffer.from(value as Uint8Array).toString("base64")

/** LDIF (RFC 2849) requires base64 for values that aren't ASCII. */
export const record = (dn: string, lines: ReadonlyArray<string>): string =>
  [`dn: ${dn}`, ...lines]
    .map((line) => {
      if (/^[\u0020-\u007e]*$/.test(line)) return line
      const colon = line.indexOf(": ")
      return `${line.slice(0, colon)}:: ${base64(line.slice(colon + 2))}`
    })
    .join("\n") + "\n"
