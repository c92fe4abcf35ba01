/**
 * Sends random operations to slapd and to the directory in memory, step by step. Each answer must be the same, and in the end both
 * must have the same entries.
 *
 * SLAPD_RANDOM_RUNS=5000 runs that many programs, SLAPD_RANDOM_SEED=… selects others than usual. A failure names the seed and the
 * shortest failing program.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { attributesFrom, type AttributesInput } from "../../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import type { LdapModification } from "../../../src/model/LdapModification.ts"
import type { RequestOperation, Scope, SearchRequest } from "../../../src/protocol/LdapMessage.ts"
import type { RawClient } from "../RawClient.ts"
import { inLockstep, pick, runs, seed, type Step, usual } from "./lockstep.ts"
import { scratch, slapd } from "./parity.ts"

/** The part of the directory that the programs use. Some rename the unit that they work in. */
const outer = `ou=lockstep,${scratch}`
const unit = `ou=random,${outer}`

// ---------------------------------------------------------------------------------------------------------------------
// Programs
// ---------------------------------------------------------------------------------------------------------------------

const flag = Arbitrary.schema(Schema.Boolean)

/** Few names, so that operations meet: some in other spellings, some of missing entries, some invalid. */
const rdn = pick("cn=a", "CN=A", "cn=b", "ou=c", "ou = C", "cn=a+sn=1", "SN=1+cn=A", "cn=\\2C x", "cn= d  e ", "cn=é")
const names = pick(
  unit,
  `cn=a,${unit}`,
  `CN=A,${unit.toUpperCase()}`,
  `cn=b,${unit}`,
  `ou=c,${unit}`,
  `cn=a,ou=c,${unit}`,
  `cn=a,OU=C, ${unit}`,
  `cn=b,cn=a,ou=c,${unit}`,
  `cn=a+sn=1,${unit}`,
  `cn=b,ou=c,${unit}`,
  `cn=\\, x,${unit}`,
  `cn=d e,${unit}`,
  `cn=É,${unit}`,
  `cn=x,cn=unlisted,${unit}`,
  "dc=other",
  "nonsense"
)
const value = pick("a", "A", "b", " a  b ", "a b", "1", "01", "-5", "é", "É", "x,y", "TRUE", `cn=A, ou=c,${unit}`, "")
const attribute = pick(
  "description",
  "DESCRIPTION",
  "2.5.4.13",
  "cn",
  "commonName",
  "sn",
  "ou",
  "uidNumber",
  "title",
  "member",
  "telephoneNumber",
  "description;lang-de",
  "mail",
  "jpegPhoto",
  "homeDirectory",
  "seeAlso",
  "objectClass",
  "structuralObjectClass",
  "nobodyKnows"
)
const classes = pick(
  "device extensibleObject",
  "device",
  "organizationalUnit extensibleObject",
  "person extensibleObject",
  "inetOrgPerson extensibleObject",
  "extensibleObject",
  "person device",
  "nobodyKnows",
  "groupOfNames"
)
const special = pick("", "", "", "", "", "alias", "referral")
const filter = pick(
  "(objectClass=*)",
  "(objectClass=device)",
  "(cn=a)",
  "(description=a*)",
  "(!(description=a))",
  "(uidNumber>=0)",
  "(uidNumber=01)",
  `(seeAlso=CN=a,ou=C,${unit})`,
  "(|(sn=1)(nobodyKnows=1))",
  "(&(cn=*)(!(telephoneNumber=1)))",
  "(cn=*b)",
  "(hasSubordinates=TRUE)",
  "(description;lang-de=*)",
  "(cn:dn:=a)",
  `(entryDN:dnSubtreeMatch:=ou=c,${unit})`,
  "(name=a)"
)

const change = Arbitrary.all({
  operation: pick("add", "add", "delete", "delete", "replace", "increment"),
  attribute,
  values: Arbitrary.array(value, { maxLength: 3 })
}).pipe(Arbitrary.map(({ attribute, operation, values }): LdapModification => ({
  operation,
  attribute,
  values: values.map((value) => Buffer.from(value))
})))

const parse = (text: string) => Result.getOrThrow(LdapFilter.parse(text))

const step = Arbitrary.all({
  kind: pick(
    "add",
    "add",
    "add",
    "add",
    "modify",
    "modify",
    "modify",
    "delete",
    "rename",
    "rename",
    "compare",
    "search"
  ),
  dn: names,
  other: names,
  rdn,
  classes,
  special,
  filter,
  attribute,
  value,
  extra: Arbitrary.array(Arbitrary.all([attribute, value]), { maxLength: 2 }),
  changes: Arbitrary.array(change, { minLength: 1, maxLength: 3 }),
  scope: pick("base", "one", "subtree", "subordinates"),
  deref: pick("never", "never", "always", "searching", "finding"),
  control: pick("", "", "", "", "manageDsaIt", "assertion", "reading", "permissive"),
  first: flag,
  second: flag
}).pipe(Arbitrary.map((chosen): Step => ({ request: requestOf(chosen), controls: controlsOf(chosen) })))

interface Chosen {
  readonly kind: string
  readonly dn: string
  readonly other: string
  readonly rdn: string
  readonly classes: string
  readonly special: string
  readonly filter: string
  readonly attribute: string
  readonly value: string
  readonly extra: ReadonlyArray<readonly [string, string]>
  readonly changes: ReadonlyArray<LdapModification>
  readonly scope: Scope
  readonly deref: SearchRequest["derefAliases"]
  readonly control: string
  readonly first: boolean
  readonly second: boolean
}

const requestOf = (chosen: Chosen): RequestOperation => {
  const { attribute, changes, deref, dn, extra, first, other, rdn, scope, second, special, value } = chosen
  switch (chosen.kind) {
    case "add": {
      const attributes: Array<readonly [string, ReadonlyArray<string>]> = special === "alias"
        ? [["objectClass", ["alias", "extensibleObject"]], ["aliasedObjectName", [other]]]
        : special === "referral"
        ? [["objectClass", ["referral", "extensibleObject"]], ["ref", ["ldap://127.0.0.1:1/dc=elsewhere"]]]
        : [["objectClass", chosen.classes.split(" ")], ...(first ? [["sn", ["1"]] as const] : [])]
      for (const [name, text] of extra) attributes.push([name, [text]])
      return {
        _tag: "AddRequest",
        dn: second ? `${rdn},${dn}` : dn,
        attributes: attributes.flatMap(([name, values]) => attributesFrom({ [name]: values }))
      }
    }
    case "modify":
      return { _tag: "ModifyRequest", dn, changes }
    case "delete":
      return { _tag: "DeleteRequest", dn }
    case "rename":
      return { _tag: "ModifyDnRequest", dn, newRdn: rdn, deleteOldRdn: first, newSuperior: second ? other : undefined }
    case "compare":
      return { _tag: "CompareRequest", dn, attribute, value: Buffer.from(value) }
    default:
      return {
        _tag: "SearchRequest",
        base: dn,
        scope,
        derefAliases: deref,
        sizeLimit: first ? 0 : 2,
        timeLimit: 0,
        typesOnly: false,
        filter: parse(chosen.filter),
        // With a limit, the returned entries depend on the order, which each server chooses.
        attributes: first ? ["*", "structuralObjectClass", "hasSubordinates", "entryDN"] : ["1.1"]
      }
  }
}

const controlsOf = ({ changes, control, filter, kind }: Chosen): ReadonlyArray<LdapControl.LdapControl> => {
  switch (control) {
    case "manageDsaIt":
      return [LdapControl.manageDsaIt.make()]
    case "assertion":
      // slapd reports that an entry has subordinates although it is only about to be added.
      return kind === "add" && filter.includes("hasSubordinates") ? [] : [LdapControl.assertion.make(parse(filter))]
    case "permissive":
      // slapd checks only the last value when it removes values that aren't all present.
      return kind === "modify" && !changes.some(({ operation, values }) => operation === "delete" && values.length > 0)
        ? [LdapControl.permissiveModify.make(undefined, { critical: true })]
        : []
    case "reading":
      return kind === "add"
        ? [LdapControl.postReadRequest.make(["*", "hasSubordinates"])]
        : kind === "delete"
        ? [LdapControl.preReadRequest.make(["*"])]
        : kind === "modify" || kind === "rename"
        ? [LdapControl.preReadRequest.make(["cn", "sn"]), LdapControl.postReadRequest.make(["*"])]
        : []
    default:
      return []
  }
}

const programs = Arbitrary.array(step, { minLength: 1, maxLength: 20 })

// ---------------------------------------------------------------------------------------------------------------------
// Running them
// ---------------------------------------------------------------------------------------------------------------------

/** The unit of the programs in its initial state. */
const begin = Effect.fnUntraced(function*(raw: RawClient) {
  const all = yield* raw.search(outer, undefined, { attributes: ["1.1"] }, [LdapControl.manageDsaIt.make()])
  const depth = (dn: string) => dn.replace(/\\./g, "").split(",").length
  for (const { dn } of [...all.entries].sort((a, b) => depth(b.dn) - depth(a.dn))) {
    yield* raw.request({ _tag: "DeleteRequest", dn }, [LdapControl.manageDsaIt.make()])
  }
  const put = (dn: string, objectClass: string, attributes?: AttributesInput) =>
    raw.request({
      _tag: "AddRequest",
      dn,
      attributes: attributesFrom({ objectClass: [objectClass, "extensibleObject"], ...attributes })
    })
  for (const dn of [outer, unit, `ou=c,${unit}`]) yield* put(dn, "organizationalUnit")
  yield* put(`cn=a,${unit}`, "device", { description: ["a", "b"], uidNumber: "5", member: `cn=b,${unit}` })
  yield* put(`cn=a,ou=c,${unit}`, "person", { sn: "1", title: "A", "description;lang-de": "x" })
})

const everything: Step = {
  request: {
    _tag: "SearchRequest",
    base: outer,
    scope: "subtree",
    derefAliases: "never",
    sizeLimit: 0,
    timeLimit: 0,
    typesOnly: false,
    filter: parse(`(|(entryDN:dnSubtreeMatch:=${unit})(objectClass=*))`),
    attributes: ["*", "structuralObjectClass", "hasSubordinates", "entryDN"]
  },
  controls: [LdapControl.manageDsaIt.make()]
}

describe.skipIf(slapd === undefined)("at random, as slapd does it", () => {
  it.effect(
    `${runs} programs`,
    () =>
      Effect.gen(function*() {
        const codes = yield* inLockstep({
          runs,
          seed,
          steps: programs,
          begin,
          end: [everything],
          options: { schemaChecking: true }
        })
        // If every operation were refused, the programs would prove little. With other seeds the numbers vary.
        for (const code of seed === usual ? [0, 2, 5, 16, 17, 18, 19, 20, 21, 32, 34, 53, 65, 66, 68, 122] : [0]) {
          assert.isTrue(codes.has(code), `no answer had code ${code}`)
        }
        assert.isAbove(codes.get(0) ?? 0, runs)
      }).pipe(Effect.scoped),
    600_000
  )
})
