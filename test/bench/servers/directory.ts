/**
 * The directory of the benchmark: as LDIF for slapd, and as entries for the responder and the decoders.
 */

/** The suffix, and the administrator's name. */
export const base = "dc=bench"
export const admin = { dn: `cn=admin,${base}`, password: "secret" } as const

/** The containers: people, groups of 1,000, photos of 50 KB, one value of 10 MB, and written entries. */
export const people = `ou=people,${base}`
export const groups = `ou=groups,${base}`
export const photos = `ou=photos,${base}`
export const large = `ou=large,${base}`
export const scratch = `ou=scratch,${base}`
/** The base of the users that log in, and the user that does so. */
export const users = `ou=users,${base}`
export const user = { uid: "ada", password: "correct horse" } as const

/** The sizes of the directory. */
export interface Sizes {
  readonly people: number
  readonly groups: number
  readonly members: number
  readonly photos: number
  readonly largeOctets: number
}

export const sizes = (quick: boolean): Sizes => ({
  people: quick ? 2_000 : 20_000,
  groups: quick ? 5 : 20,
  members: 1_000,
  photos: quick ? 20 : 100,
  largeOctets: quick ? 2_000_000 : 10_000_000
})

/** An entry as plain data. */
export interface Record {
  readonly dn: string
  readonly attributes: ReadonlyArray<readonly [description: string, values: ReadonlyArray<string | Buffer>]>
}

const givenNames = ["Ada", "Grace", "Alan", "Barbara", "Edsger", "Zoë", "Donald", "Frances", "John", "Radia", "Tony"]
const surnames = [
  "Lovelace",
  "Hopper",
  "Turing",
  "Liskov",
  "Dijkstra",
  "Müller",
  "Knuth",
  "Allen",
  "McCarthy",
  "Perlman"
]
const places = ["London", "Zürich", "New York", "Amsterdam", "Paris", "Kraków", "Berlin"]

export const personDn = (i: number): string => `uid=u${String(i).padStart(6, "0")},${people}`

/** 14 attribute types, 18 values, about 570 bytes; a fifth of the entries has a name that isn't ASCII. */
export const person = (i: number): Record => {
  const uid = `u${String(i).padStart(6, "0")}`
  const givenName = givenNames[i % givenNames.length]!
  const sn = surnames[(i * 7) % surnames.length]!
  return {
    dn: personDn(i),
    attributes: [
      ["objectClass", ["top", "person", "organizationalPerson", "inetOrgPerson"]],
      ["uid", [uid]],
      ["cn", [`${givenName} ${sn} ${i}`]],
      ["sn", [sn]],
      ["givenName", [givenName]],
      ["mail", [`${uid}@example.org`, `person.${i}@mail.example.org`]],
      ["telephoneNumber", [`+49 30 ${1_000_000 + i}`]],
      ["mobile", [`+49 170 ${2_000_000 + i}`]],
      ["title", ["Senior Engineer of Directory Services"]],
      ["employeeNumber", [String(100_000 + i)]],
      ["departmentNumber", [`D-${i % 97}`]],
      ["l", [places[i % places.length]!]],
      ["postalCode", [String(10_000 + (i % 80_000))]],
      ["description", [`Entry number ${i} of the measurements: about as much text as people write about each other.`]]
    ]
  }
}

/** An entry of the same shape in which only the keys are ASCII. */
export const foreignPerson = (i: number): Record => ({
  dn: `uid=ж${i},ou=люди,${base}`,
  attributes: [
    ["objectClass", ["top", "person", "organizationalPerson", "inetOrgPerson"]],
    ["uid", [`ж${i}`]],
    ["cn", [`Анна Каренина ${i}`]],
    ["sn", ["Каренина"]],
    ["givenName", ["花子"]],
    ["title", ["Ведущий инженер службы каталогов"]],
    ["l", ["東京都千代田区"]],
    ["street", ["Невский проспект, дом 28, квартира 5"]],
    ["description", [`Запись номер ${i}: примерно столько текста, сколько люди пишут друг о друге.`]]
  ]
})

const group = (i: number, members: number, people: number): Record => ({
  dn: `cn=g${i},${groups}`,
  attributes: [
    ["objectClass", ["top", "groupOfNames"]],
    ["cn", [`g${i}`]],
    ["member", Array.from({ length: members }, (_, j) => personDn((i * 31 + j) % Math.max(people, members)))]
  ]
})

/** Bytes that aren't text, the same in every run. */
const noise = (length: number): Buffer => {
  const octets = Buffer.allocUnsafe(length)
  for (let i = 0, state = 1; i < length; i++) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    octets[i] = state >> 16
  }
  return octets
}

const photograph = (dn: string, cn: string, octets: number): Record => ({
  dn,
  attributes: [
    ["objectClass", ["top", "person", "organizationalPerson", "inetOrgPerson"]],
    ["cn", [cn]],
    ["sn", [cn]],
    ["jpegPhoto", [noise(octets)]]
  ]
})

export const groupRecords = ({ groups, members, people }: Sizes): ReadonlyArray<Record> =>
  Array.from({ length: groups }, (_, i) => group(i, members, people))

/** An entry with one value of this many megabytes. */
export const largerRecord = (megabytes: number): Record =>
  photograph(`cn=larger,${base}`, "larger", megabytes * 1_000_000)

export const largeRecord = ({ largeOctets }: Sizes): Record => photograph(`cn=huge,${large}`, "huge", largeOctets)

/** The whole directory, parents first. */
export function* records(sizes: Sizes): Generator<Record> {
  yield { dn: base, attributes: [["objectClass", ["organization", "dcObject"]], ["o", ["Bench"]], ["dc", ["bench"]]] }
  for (const dn of [people, groups, photos, large, scratch, users]) {
    yield { dn, attributes: [["objectClass", ["organizationalUnit"]], ["ou", [dn.slice(3, dn.indexOf(","))]]] }
  }
  for (let i = 0; i < sizes.people; i++) yield person(i)
  yield* groupRecords(sizes)
  for (let i = 0; i < sizes.photos; i++) yield photograph(`cn=p${i},${photos}`, `p${i}`, 50_000)
  yield largeRecord(sizes)
  yield {
    dn: `uid=${user.uid},${users}`,
    attributes: [
      ["objectClass", ["account", "simpleSecurityObject"]],
      ["uid", [user.uid]],
      ["userPassword", [user.password]]
    ]
  }
}

export const ldif = (record: Record): string => {
  const line = (name: string, value: string | Buffer): string =>
    typeof value === "string" && /^[\u0020-\u007e]*$/.test(value)
      ? `${name}: ${value}\n`
      : `${name}:: ${Buffer.from(value as string).toString("base64")}\n`
  return line("dn", record.dn) +
    record.attributes.map(([name, values]) => values.map((value) => line(name, value)).join("")).join("") + "\n"
}
