/** S9: which requests contain a secret that must not be sent over a network in clear text. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { secretKind } from "../../../src/model/attribute/secretAttributes.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import type { RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import { carriesPassword } from "../../../src/session/driver/passwords.ts"

const octets = (text: string): Uint8Array => Buffer.from(text)

const searchFor = (filter: string, base = "dc=example"): RequestOperation => ({
  _tag: "SearchRequest",
  base,
  scope: "subtree",
  derefAliases: "never",
  sizeLimit: 0,
  timeLimit: 0,
  typesOnly: false,
  filter: Result.getOrThrow(LdapFilter.parse(filter)),
  attributes: ["userPassword"]
})

const modifyOf = (attribute: string, value: string): RequestOperation => ({
  _tag: "ModifyRequest",
  dn: "cn=a",
  changes: [{ operation: "replace", attribute, values: [octets(value)] }]
})

const addOf = (dn: string, attributes: Readonly<Record<string, string>> = {}): RequestOperation => ({
  _tag: "AddRequest",
  dn,
  attributes: LdapEntry.attributesFrom(attributes)
})

const renameOf = (newRdn: string, newSuperior?: string, dn = "cn=a"): RequestOperation => ({
  _tag: "ModifyDnRequest",
  dn,
  newRdn,
  deleteOldRdn: true,
  newSuperior
})

const carry: Readonly<Record<string, RequestOperation>> = {
  "equality": searchFor("(userPassword=topsecret)"),
  "of unicodePwd": searchFor("(unicodePwd=topsecret)"),
  "by its object identifier": searchFor("(2.5.4.35=topsecret)"),
  "with options": searchFor("(userPassword;lang-de=topsecret)"),
  "in any case": searchFor("(USERPASSWORD=topsecret)"),
  "approximate": searchFor("(userPassword~=topsecret)"),
  "greater": searchFor("(userPassword>=topsecret)"),
  "less": searchFor("(userPassword<=topsecret)"),
  "initial substring": searchFor("(userPassword=top*)"),
  "any substring": searchFor("(userPassword=*opsecre*)"),
  "final substring": searchFor("(userPassword=*secret)"),
  "extensible": searchFor("(userPassword:octetStringMatch:=topsecret)"),
  "extensible without a rule": searchFor("(userPassword:=topsecret)"),
  "deep inside of others": searchFor("(&(cn=a)(|(sn=b)(!(userPassword=topsecret))))"),
  "marked as clear text": searchFor("(userPassword={CLEARTEXT}topsecret)"),
  "in the base": searchFor("(cn=a)", "userPassword=topsecret,dc=example"),
  "newRdn": renameOf("userPassword=topsecret"),
  "newRdn with several attributes": renameOf("cn=a+userPassword=topsecret"),
  "newRdn by its object identifier": renameOf("2.5.4.35=topsecret"),
  "newRdn with spaces, as servers take it": renameOf("OID.2.5.4.35 = topsecret"),
  "newRdn that is hexadecimal": renameOf("userPassword=#0403616263"),
  "newRdn that can't be read": renameOf("userPassword=top\"secret"),
  "newSuperior": renameOf("cn=a", "userPassword=topsecret,dc=example"),
  "the name of what is renamed": renameOf("cn=b", undefined, "userPassword=topsecret"),
  "the name of what is added": addOf("userPassword=topsecret,dc=example"),
  "the name of what is modified": { _tag: "ModifyRequest", dn: "cn=a,userPassword=topsecret", changes: [] },
  "the name of what is deleted": { _tag: "DeleteRequest", dn: "userPassword=topsecret" },
  "the name of what is compared": {
    _tag: "CompareRequest",
    dn: "userPassword=topsecret",
    attribute: "cn",
    value: octets("a")
  },
  "compare": { _tag: "CompareRequest", dn: "cn=a", attribute: "olcRootPW", value: octets("topsecret") },
  "olcSyncrepl": modifyOf("olcSyncrepl", "{0}rid=1 provider=ldap://a bindmethod=simple credentials=topsecret"),
  "olcDbIDAssertBind": modifyOf("olcDbIDAssertBind", "bindmethod=simple binddn=\"cn=a\" credentials=topsecret")
}

const carryNothing: Readonly<Record<string, RequestOperation>> = {
  "presence": searchFor("(userPassword=*)"),
  "a hash": searchFor("(userPassword={SSHA}EWLmUiea2aSavHXGyh1UHxOP6KXEo6kp)"),
  "another attribute": searchFor("(description=userPassword=topsecret)"),
  "an attribute whose name begins the same": searchFor("(userPasswordExpires=20260101)"),
  "a rule without an attribute": searchFor("(:caseIgnoreMatch:=topsecret)"),
  "a name whose value looks like one": addOf("cn=userPassword,dc=example"),
  "a name with an escaped one": addOf("cn=a\\,userPassword\\=x,dc=example"),
  "an RDN that is a hash": renameOf("userPassword={SSHA}EWLmUiea2aSavHXGyh1UHxOP6KXEo6kp"),
  "such an RDN with spaces": renameOf("userPassword = {SSHA}EWLmUiea2aSavHXGyh1UHxOP6KXEo6kp"),
  "old hashes": modifyOf("pwdHistory", "20260101000000Z#1.3.6.1.4.1.1466.115.121.1.40#8#topsecret"),
  "settings without a password": modifyOf(
    "olcSyncrepl",
    "{0}rid=1 provider=ldap://a bindmethod=sasl saslmech=EXTERNAL"
  ),
  "a hashed administrator's password": modifyOf("olcRootPW", "{SSHA}EWLmUiea2aSavHXGyh1UHxOP6KXEo6kp"),
  "the name of a policy": modifyOf("pwdPolicySubentry", "cn=default,ou=policies"),
  "the end of a session": { _tag: "UnbindRequest" }
}

describe("S9: a request carries a password", () => {
  it.each(Object.keys(carry))("%s", (name) => {
    assert.isTrue(carriesPassword(carry[name]!))
  })

  it.each(Object.keys(carryNothing))("does not: %s", (name) => {
    assert.isFalse(carriesPassword(carryNothing[name]!))
  })

  it("in a filter within a control", () => {
    const harmless: RequestOperation = { _tag: "DeleteRequest", dn: "cn=a" }
    const secret = Result.getOrThrow(LdapFilter.parse("(userPassword=topsecret)"))
    assert.isTrue(carriesPassword(harmless, [LdapControl.assertion.make(secret)]))
    assert.isTrue(carriesPassword(harmless, [LdapControl.assertion.make("(&(cn=a)(unicodePwd=b))")]))
    assert.isFalse(carriesPassword(harmless, [LdapControl.assertion.make("(cn=a)")]))
    const value = LdapFilter.equals("userPassword", "topsecret") as LdapControl.ValueFilter
    assert.isTrue(carriesPassword(harmless, [LdapControl.matchedValues.make([value])]))
    assert.isFalse(
      carriesPassword(harmless, [new LdapControl.LdapControl({ oid: "1.2.3", critical: true, value: undefined })])
    )
  })
})

/** Attributes in which servers store passwords and keys, in the spelling of each server. */
const written = {
  "RFC 4519, 2798": ["userPassword", "userPKCS12"],
  "OpenLDAP": ["olcRootPW", "olcDbPass"],
  "389 Directory Server": ["nsslapd-rootpw", "nsBindPassword", "nsMultiplexorCredentials", "nsDS5ReplicaCredentials"],
  "FreeIPA": ["ipaNTHash", "krbPrincipalKey", "ipatokenOTPkey", "ipatokenRadiusSecret"],
  "Samba 3": ["sambaNTPassword", "sambaLMPassword", "sambaClearTextPassword"],
  "Active Directory": [
    "unicodePwd",
    "dBCSPwd",
    "trustAuthIncoming",
    "trustAuthOutgoing",
    "ms-Mcs-AdmPwd",
    "msLAPS-Password"
  ],
  "eDirectory": ["nspmPassword", "nspmDistributionPassword"],
  "IBM": ["ibm-slapdAdminPW", "ibm-slapdMasterPW"]
}

describe("S9: attributes that hold secrets", () => {
  it.each(Object.entries(written))("of %s", (_, attributes) => {
    for (const attribute of attributes) {
      for (const name of [attribute, attribute.toUpperCase(), `${attribute};x-option`]) {
        assert.isTrue(carriesPassword(modifyOf(name, "topsecret")), name)
        assert.isTrue(carriesPassword(addOf("cn=a", { [name]: "topsecret" })), name)
      }
      // And a printed entry doesn't show them.
      assert.notInclude(LdapEntry.make("cn=a", { [attribute]: "topsecret" }).toString(), "topsecret")
    }
  })

  it("an object identifier with the prefix of old forms", () => {
    assert.strictEqual(secretKind("OID.2.5.4.35"), "password")
  })

  it("a similar name isn't taken for one", () => {
    for (const name of ["cn", "userPasswordX", "xuserPassword", "pwdPolicySubentry", "userPassword-", ""]) {
      assert.isUndefined(secretKind(name))
    }
  })
})
