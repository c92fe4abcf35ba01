/**
 * Sends random names, descriptions, values and matching rules to slapd and to the directory in memory. If one refuses, the other
 * must refuse with the same code. See lockstep.ts for how to run more of them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import { allAttributeTypes } from "../../../src/model/attribute/AttributeTypes.ts"
import { attributesFrom } from "../../../src/model/entry/LdapEntry.ts"
import type { LdapFilter } from "../../../src/model/filter/LdapFilter.ts"
import * as Modification from "../../../src/model/LdapModification.ts"
import type { RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import { base } from "../../servers/directory.ts"
import type { RawClient } from "../RawClient.ts"
import { inLockstep, pick, runs, seed, type Step, usual } from "./lockstep.ts"
import { scratch, slapd } from "./parity.ts"

const unit = `ou=syntaxes,${scratch}`

/** The entry whose values are changed, and the entry that is renamed. */
const kept = `cn=kept,${unit}`

// ---------------------------------------------------------------------------------------------------------------------
// Parts of programs
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The types that slapd has too and that clients may set. For the last ones slapd 2.5 carries out no equality rule, or one that
 * reads GSER, which the directory in memory doesn't parse.
 */
const types = [...allAttributeTypes()].filter((type) =>
  !type.operational && !type.oid.startsWith("1.2.840.113556.") &&
  !["thumbnailphoto", "memberurl", "presentationaddress", "protocolinformation"].includes(type.key)
).map(({ name }) => name)

const anyType = pick(...types)

const options = pick(
  "",
  "",
  "",
  "",
  "",
  ";lang-de",
  ";LANG-DE;lang-de",
  ";lang-en;lang-de",
  ";lang-",
  ";lang-de-",
  ";lang",
  ";binary",
  ";binary;lang-de",
  ";x-foo",
  ";a_b",
  ";",
  ";range=0-1"
)

const description = Arbitrary.all([
  anyType,
  options,
  pick("known", "known", "known", "known", "known", "known", "nosuch", "a_b", "1.2.3", "2.5.4.3", "", "c n", "*")
]).pipe(Arbitrary.map(([type, option, other]) =>
  other !== "known"
    ? other
    // Types that must be transferred in binary are requested in both ways.
    : /certificate|revocation|supportedAlg|crossC/i.test(type) && option === ""
    ? `${type};binary`
    : `${type}${option}`
))

/** A value of each syntax, and values that are almost valid. */
const texts = [
  "a",
  "A",
  " a",
  "a  b",
  "",
  " ",
  "é",
  "a_b",
  "a@b",
  "a$b",
  "a$",
  "$a",
  "a\\24b",
  "a\\5Cb",
  "a\\zzb",
  "a\\",
  "DE",
  "D",
  "DEU",
  "D1",
  "1",
  "0",
  "01",
  "-1",
  "-0",
  "+1",
  "1 2",
  "12a",
  "1.2.3",
  "1.2.",
  "1..2",
  "01.2",
  "'01'B",
  "''B",
  "'2'B",
  "'01'b",
  "01B",
  "TRUE",
  "true",
  "cn=a",
  "cn=a,dc=b",
  "CN = A , DC = B",
  "nosuch=x",
  "cn=",
  "cn=a+cn=b",
  "cn=a+sn=b",
  "uidNumber=x",
  "uidNumber=1",
  "c=DEU",
  "manager=nodn",
  "manager=cn\\=a",
  "cn=#0401",
  "oid.2.5.4.3=a",
  "2.5.4.3=a",
  "1.2.3=x",
  "cn=a#'01'B",
  "#'01'B",
  "cn=#0401#'01'B",
  "nosuch=x#'01'B",
  ",",
  "=",
  "mhs",
  "MHS $ telex",
  "mhs$telex",
  "mhs $",
  "mhs telex",
  "anyx",
  " mhs",
  "(a,b,c)",
  "(,,)",
  "(a.b,c,d)",
  "(a,b)",
  "(a,b,c) ",
  "(a_b,c,d)",
  "a=b:c",
  "a=b:/c/d",
  "=:",
  "a=b",
  "a=b:_",
  "20200101000000Z",
  "2020010100Z",
  "20200101000000",
  "20201301000000Z",
  "+49 30 1",
  "+49-301",
  "person",
  "2.5.6.6",
  "nosuchclass",
  "a\u0000b",
  "tab\t",
  "'()+,-./:? =",
  "\u{1F600}"
] as const

const anyText = pick(...texts)

/** A certificate revocation list that "CN=x" signed in 2026. */
const revocationList =
  "MIHQMDswDQYJKoZIhvcNAQELBQAwDDEKMAgGA1UEAwwBeBcNMjYxMTI4MjA0MDE0WhcNMjYxMjAxMjA0MDE0WjANBgkqhkiG9w0BAQsFAAOB" +
  "gQBD3l/XmW6D1PQ0QJaWVkIXC2iVCPoMDQ88h2xcE/pgXKxa1HFxRTsap18nQU8hu3kgHccVq6nUgRF5iu21wyprxDvtc3Rl+HsZMJM7bs0b8tZzf2s0d//O" +
  "j1PbSu4ukvUN/vXZpU1jzg4EZ5LxqX55spiXJUGN+tswiB2LgtQAuw=="

const certificate = (slapd?.certificates.ca.cert ?? "").replace(/-----[^-]+-----|\s/g, "")

/** A certificate and a revocation list, complete and damaged, and the first bytes of others. */
const binary = [certificate, revocationList].map((text) => Buffer.from(text, "base64")).flatMap((whole) => {
  const changed = Buffer.from(whole)
  changed[10] = 0
  return [whole, whole.subarray(0, -1), changed, Buffer.concat([whole, Buffer.from([5, 0])])]
})

const bytes = pick(
  ...binary.map((one) => one.toString("hex")),
  "ff",
  "c328",
  "c080",
  "00",
  "3000",
  "3003010101",
  "30030101",
  "040161",
  "3100",
  "ffd8ffe0",
  "3080",
  "01"
)

const value = Arbitrary.all([anyText, anyText, bytes, pick("text", "text", "text", "both", "bytes")]).pipe(
  Arbitrary.map(([text, more, hex, which]) =>
    which === "bytes" ? Buffer.from(hex, "hex") : Buffer.from(which === "both" ? text + more : text)
  )
)

/** The attributes of the entry whose values are changed. Some programs use the value of one attribute with another. */
const heldValues = {
  "description;lang-de": "a",
  uidNumber: "1",
  mail: "a@b",
  telephoneNumber: "+49 301",
  manager: `cn=a,${base}`,
  x121Address: "1 2",
  x500UniqueIdentifier: "'01'B",
  postalAddress: "a$b",
  serialNumber: "12a",
  c: "DE",
  userPassword: "a"
}

const rule = pick(
  "caseIgnoreMatch",
  "caseExactMatch",
  "2.5.13.2",
  "caseIgnoreIA5Match",
  "caseExactIA5Match",
  "integerMatch",
  "distinguishedNameMatch",
  "octetStringMatch",
  "booleanMatch",
  "telephoneNumberMatch",
  "numericStringMatch",
  "bitStringMatch",
  "caseIgnoreListMatch",
  "uniqueMemberMatch",
  "objectIdentifierMatch",
  "generalizedTimeMatch",
  "caseIgnoreOrderingMatch",
  "caseExactOrderingMatch",
  "integerOrderingMatch",
  "numericStringOrderingMatch",
  "caseIgnoreSubstringsMatch",
  "integerBitAndMatch",
  "1.2.840.113556.1.4.804",
  "dnSubtreeMatch",
  "dnOneLevelMatch",
  "nosuchMatch"
)

/** Escaped, so that text becomes the value and not part of the name. Some values are unescaped, which makes invalid names. */
const rdn = Arbitrary.all([
  // slapd accepts a second structural class in the name of a new entry.
  pick(...types.filter((type) => type !== "objectClass")),
  pick("known", "known", "known", "nosuch", "2.5.4.3", "1.2.3", "OID.2.5.4.3", "cn", "uidNumber", "homeDirectory"),
  anyText,
  pick("", "", "", "raw", "twice", "two")
]).pipe(Arbitrary.map(([known, other, text, how]) => {
  const type = other === "known" ? known : other
  const escaped = text.replace(
    /["+,;<>\\=#\0\t]/g,
    (special) => `\\${special.charCodeAt(0).toString(16).padStart(2, "0")}`
  )
    .replace(/^ | $/g, "\\20")
  const one = `${type}=${how === "raw" ? text.trim() : escaped}`
  return how === "twice" ? `${one}+${type}=x` : how === "two" ? `cn=x+${one}` : one
}))

interface Chosen {
  readonly kind: string
  readonly description: string
  readonly value: Buffer
  readonly rdn: string
  readonly classes: string
  readonly rule: string
  readonly held: string
  readonly heldValue: string
  readonly form: string
}

const step = Arbitrary.all({
  kind: pick(
    "replace",
    "replace",
    "replace",
    "add",
    "add",
    "rename",
    "rename",
    "compare",
    "holds",
    "filter",
    "filter",
    "named"
  ),
  description,
  value,
  rdn,
  classes: pick("device extensibleObject", "device", "person", "extensibleObject"),
  rule,
  held: pick(...Object.keys(heldValues), "jpegPhoto"),
  heldValue: pick(...Object.values(heldValues)),
  form: pick("equality", "present", "substrings", "attribute", "rule", "rule", "rule", "both", "dn")
}).pipe(Arbitrary.map((chosen): Step => ({ request: requestOf(chosen), controls: [] })))

const filterOf = ({ description: attribute, form, rule, value }: Chosen): LdapFilter => {
  switch (form) {
    case "equality":
      return { _tag: "Equality", attribute, value }
    case "present":
      return { _tag: "Present", attribute }
    case "substrings":
      return value.length === 0
        ? { _tag: "Present", attribute }
        : { _tag: "Substrings", attribute, initial: value, any: [], final: undefined }
    case "attribute":
      return { _tag: "Extensible", attribute, rule: undefined, value, dnAttributes: false }
    case "rule":
      return { _tag: "Extensible", attribute, rule, value, dnAttributes: false }
    default:
      return { _tag: "Extensible", attribute: undefined, rule, value, dnAttributes: form === "dn" }
  }
}

const requestOf = (chosen: Chosen): RequestOperation => {
  const { classes, description, kind, rdn, value } = chosen
  const named = `${rdn},${unit}`
  switch (kind) {
    case "replace":
      return { _tag: "ModifyRequest", dn: kept, changes: [Modification.replace(description, value)] }
    case "add":
      return {
        _tag: "AddRequest",
        dn: named,
        attributes: attributesFrom({ objectClass: classes.split(" "), sn: "1", cn: "x" })
      }
    case "rename":
      return { _tag: "ModifyDnRequest", dn: `cn=renamed,${unit}`, newRdn: rdn, deleteOldRdn: false }
    case "compare":
      return { _tag: "CompareRequest", dn: kept, attribute: description, value }
    case "holds":
      return { _tag: "CompareRequest", dn: kept, attribute: chosen.held, value: Buffer.from(chosen.heldValue) }
    default:
      return {
        _tag: "SearchRequest",
        base: kind === "named" ? named : unit,
        scope: "subtree",
        derefAliases: "never",
        sizeLimit: 0,
        timeLimit: 0,
        typesOnly: false,
        // Negation distinguishes Undefined from false.
        filter: value.length % 2 === 0 ? filterOf(chosen) : { _tag: "Not", filter: filterOf(chosen) },
        attributes: ["1.1"]
      }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Running them
// ---------------------------------------------------------------------------------------------------------------------

const begin = Effect.fnUntraced(function*(raw: RawClient) {
  const all = yield* raw.search(unit, undefined, { attributes: ["1.1"], scope: "one" })
  for (const { dn } of all.entries) yield* raw.request({ _tag: "DeleteRequest", dn })
  const put = (dn: string, objectClass: string, attributes: Parameters<typeof attributesFrom>[0]) =>
    raw.request({
      _tag: "AddRequest",
      dn,
      attributes: attributesFrom({ objectClass: [objectClass, "extensibleObject"], ...attributes })
    })
  yield* put(unit, "organizationalUnit", {})
  yield* put(kept, "device", heldValues)
  yield* put(`cn=renamed,${unit}`, "device", { uidNumber: "1", homeDirectory: "/a" })
})

const everything: Step = {
  request: {
    _tag: "SearchRequest",
    base: unit,
    scope: "subtree",
    derefAliases: "never",
    sizeLimit: 0,
    timeLimit: 0,
    typesOnly: false,
    filter: { _tag: "Present", attribute: "objectClass" },
    attributes: ["*"]
  },
  controls: []
}

describe.skipIf(slapd === undefined)("names and syntaxes at random, as slapd has them", () => {
  it.effect(
    `${runs} programs`,
    () =>
      Effect.gen(function*() {
        const codes = yield* inLockstep({
          runs,
          seed,
          steps: Arbitrary.array(step, { minLength: 1, maxLength: 20 }),
          begin,
          end: [everything],
          options: { schemaChecking: true }
        })
        for (const code of seed === usual ? [0, 5, 6, 16, 17, 18, 19, 21, 32, 34, 64, 65] : [0]) {
          assert.isTrue(codes.has(code), `no answer had code ${code}`)
        }
      }).pipe(Effect.scoped),
    600_000
  )
})
