/** The directory of these tests: small, with an example for each rule. */
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"

export const base = "dc=example,dc=org"
export const admin = { dn: `cn=admin,${base}`, password: "secret" } as const

export const ldif = `
dn: dc=example,dc=org
objectClass: organization
objectClass: dcObject
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: uid=ada,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: posixAccount
uid: ada
cn: Ada Lovelace
cn;lang-de: Ada Gräfin Lovelace
sn: Lovelace
uidNumber: 1000
gidNumber: 100
homeDirectory: /home/ada
mail: Ada@example.org
telephoneNumber: +44 20 7946 0101
userPassword: adapw

dn: uid=bob,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: posixAccount
uid: bob
cn: Bob Stone
sn: Stone
uidNumber: 200
gidNumber: 100
homeDirectory: /home/bob
manager: uid=ada,ou=people,dc=example,dc=org
userPassword: {SSHA}0OWaAhPMAkQ6aXtbMO1zu5RdVrQ4YmMxZA==

dn: uid=eve,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: eve
cn: Eve
userPassword: {SHA}snMqbFJda4VUq6NAy1NF7ATkHLU=
sn: Eve
favouriteColour: Green

dn: cn=admins,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: admins
member: UID=Ada, ou=People,dc=example,dc=org
`

export const make = (options?: InMemoryDirectory.Options) => InMemoryDirectory.make({ ldif, admin, ...options })
