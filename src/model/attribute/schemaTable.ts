/**
 * More of the schema as data, in addition to attributeTable.ts: the attributes that an entry of an object class must and may have,
 * and the syntaxes of attribute types that differ from those of their matching rules. From the documents named there.
 */

/** An object class, the attributes that it must have, and after the bar those that it may have. */
export const classAttributeTable = `
top objectClass |
alias aliasedObjectName |
referral ref |
OpenLDAProotDSE | cn
subentry cn subtreeSpecification |
subschema | dITStructureRules nameForms dITContentRules objectClasses attributeTypes matchingRules matchingRuleUse
country c | searchGuide description
locality | street seeAlso searchGuide st l description
organization o | userPassword searchGuide seeAlso businessCategory x121Address registeredAddress destinationIndicator
  preferredDeliveryMethod telexNumber teletexTerminalIdentifier telephoneNumber internationaliSDNNumber
  facsimileTelephoneNumber street postOfficeBox postalCode postalAddress physicalDeliveryOfficeName st l description
organizationalUnit ou | userPassword searchGuide seeAlso businessCategory x121Address registeredAddress
  destinationIndicator preferredDeliveryMethod telexNumber teletexTerminalIdentifier telephoneNumber
  internationaliSDNNumber facsimileTelephoneNumber street postOfficeBox postalCode postalAddress
  physicalDeliveryOfficeName st l description
person sn cn | userPassword telephoneNumber seeAlso description
organizationalPerson | title x121Address registeredAddress destinationIndicator preferredDeliveryMethod telexNumber
  teletexTerminalIdentifier telephoneNumber internationaliSDNNumber facsimileTelephoneNumber street postOfficeBox
  postalCode postalAddress physicalDeliveryOfficeName ou st l
organizationalRole cn | x121Address registeredAddress destinationIndicator preferredDeliveryMethod telexNumber
  teletexTerminalIdentifier telephoneNumber internationaliSDNNumber facsimileTelephoneNumber seeAlso roleOccupant
  preferredDeliveryMethod street postOfficeBox postalCode postalAddress physicalDeliveryOfficeName ou st l description
groupOfNames member cn | businessCategory seeAlso owner ou o description
residentialPerson l | businessCategory x121Address registeredAddress destinationIndicator preferredDeliveryMethod
  telexNumber teletexTerminalIdentifier telephoneNumber internationaliSDNNumber facsimileTelephoneNumber
  preferredDeliveryMethod street postOfficeBox postalCode postalAddress physicalDeliveryOfficeName st l
applicationProcess cn | seeAlso ou l description
applicationEntity presentationAddress cn | supportedApplicationContext seeAlso ou o l description
dSA | knowledgeInformation
device cn | serialNumber seeAlso owner ou o l description
strongAuthenticationUser userCertificate |
certificationAuthority authorityRevocationList certificateRevocationList cACertificate | crossCertificatePair
groupOfUniqueNames uniqueMember cn | businessCategory seeAlso owner ou o description
userSecurityInformation | supportedAlgorithms
certificationAuthority-V2 | deltaRevocationList
cRLDistributionPoint cn | certificateRevocationList authorityRevocationList deltaRevocationList
dmd dmdName | userPassword searchGuide seeAlso businessCategory x121Address registeredAddress destinationIndicator
  preferredDeliveryMethod telexNumber teletexTerminalIdentifier telephoneNumber internationaliSDNNumber
  facsimileTelephoneNumber street postOfficeBox postalCode postalAddress physicalDeliveryOfficeName st l description
pkiUser | userCertificate
pkiCA | authorityRevocationList certificateRevocationList cACertificate crossCertificatePair
deltaCRL | deltaRevocationList
labeledURIObject | labeledURI
simpleSecurityObject userPassword |
dcObject dc |
uidObject uid |
pilotPerson | userid textEncodedORAddress rfc822Mailbox favouriteDrink roomNumber userClass homeTelephoneNumber
  homePostalAddress secretary personalTitle preferredDeliveryMethod businessCategory janetMailbox otherMailbox
  mobileTelephoneNumber pagerTelephoneNumber organizationalStatus mailPreferenceOption personalSignature
account userid | description seeAlso localityName organizationName organizationalUnitName host
document documentIdentifier | commonName description seeAlso localityName organizationName organizationalUnitName
  documentTitle documentVersion documentAuthor documentLocation documentPublisher
room commonName | roomNumber description seeAlso telephoneNumber
documentSeries commonName | description seeAlso telephonenumber localityName organizationName organizationalUnitName
domain domainComponent | associatedName organizationName description businessCategory seeAlso searchGuide userPassword
  localityName stateOrProvinceName streetAddress physicalDeliveryOfficeName postalAddress postalCode postOfficeBox
  streetAddress facsimileTelephoneNumber internationalISDNNumber telephoneNumber teletexTerminalIdentifier telexNumber
  preferredDeliveryMethod destinationIndicator registeredAddress x121Address
RFC822localPart | commonName surname description seeAlso telephoneNumber physicalDeliveryOfficeName postalAddress
  postalCode postOfficeBox streetAddress facsimileTelephoneNumber internationalISDNNumber telephoneNumber
  teletexTerminalIdentifier telexNumber preferredDeliveryMethod destinationIndicator registeredAddress x121Address
dNSDomain | ARecord MDRecord MXRecord NSRecord SOARecord CNAMERecord
domainRelatedObject associatedDomain |
friendlyCountry friendlyCountryName |
pilotOrganization | buildingName
pilotDSA | dSAQuality
qualityLabelledData dsaQuality | subtreeMinimumQuality subtreeMaximumQuality
inetOrgPerson | audio businessCategory carLicense departmentNumber displayName employeeNumber employeeType givenName
  homePhone homePostalAddress initials jpegPhoto labeledURI mail manager mobile o pager photo roomNumber secretary uid
  userCertificate x500uniqueIdentifier preferredLanguage userSMIMECertificate userPKCS12
posixAccount cn uid uidNumber gidNumber homeDirectory | userPassword loginShell gecos description
shadowAccount uid | userPassword shadowLastChange shadowMin shadowMax shadowWarning shadowInactive shadowExpire
  shadowFlag description
posixGroup cn gidNumber | userPassword memberUid description
ipService cn ipServicePort ipServiceProtocol | description
ipProtocol cn ipProtocolNumber description | description
oncRpc cn oncRpcNumber description | description
ipHost cn ipHostNumber | l description manager
ipNetwork cn ipNetworkNumber | ipNetmaskNumber l description manager
nisNetgroup cn | nisNetgroupTriple memberNisNetgroup description
nisMap nisMapName | description
nisObject cn nisMapEntry nisMapName | description
ieee802Device | macAddress
bootableDevice | bootFile bootParameter
groupOfURLs cn | memberURL businessCategory description o ou owner seeAlso
user | sAMAccountName userPrincipalName userAccountControl sAMAccountType pwdLastSet accountExpires lockoutTime
  lastLogon primaryGroupID unicodePwd objectSid objectGUID whenCreated whenChanged uSNChanged uSNCreated
  objectCategory servicePrincipalName proxyAddresses company department memberOf displayName mail givenName manager
  info homePhone mobile pager distinguishedName name co uid o initials photo jpegPhoto carLicense departmentNumber
  employeeNumber employeeType labeledURI preferredLanguage roomNumber secretary userCertificate
  badPwdCount badPasswordTime logonCount lastLogoff lastLogonTimestamp msDS-SupportedEncryptionTypes sIDHistory
  instanceType isDeleted nTSecurityDescriptor isCriticalSystemObject dSCorePropagationData adminCount adminDisplayName
  wWWHomePage url ipPhone otherTelephone thumbnailPhoto employeeID division homeDrive homeDirectory profilePath scriptPath
  userWorkstations logonHours userParameters comment codePage countryCode directReports managedObjects showInAddressBook
  uidNumber gidNumber loginShell gecos
computer | dNSHostName operatingSystem operatingSystemVersion managedBy
group | cn name distinguishedName member memberOf groupType sAMAccountName sAMAccountType objectSid objectGUID
  whenCreated whenChanged uSNChanged uSNCreated objectCategory description info mail displayName managedBy sIDHistory
  instanceType isDeleted nTSecurityDescriptor isCriticalSystemObject dSCorePropagationData adminCount adminDisplayName
  wWWHomePage telephoneNumber proxyAddresses managedObjects showInAddressBook gidNumber memberUid
container cn | name distinguishedName description objectGUID whenCreated whenChanged uSNChanged uSNCreated
  objectCategory displayName
`

/** The last number of a syntax of RFC 4517, or the whole object identifier of another, and the types that have it. */
export const syntaxTable = `
3 attributeTypes
4 audio
5 userSMIMECertificate userPKCS12
6 x500UniqueIdentifier
8 userCertificate cACertificate
9 authorityRevocationList certificateRevocationList deltaRevocationList
10 crossCertificatePair
11 c
13 singleLevelQuality subtreeMinimumQuality subtreeMaximumQuality
14 preferredDeliveryMethod
19 dSAQuality
21 enhancedSearchGuide
22 facsimileTelephoneNumber
23 photo personalSignature
25 searchGuide
26 altServer mail dc associatedDomain email aRecord mDRecord mXRecord nSRecord sOARecord cNAMERecord janetMailbox
  gecos homeDirectory loginShell memberUid memberNisNetgroup ipHostNumber ipNetworkNumber ipNetmaskNumber macAddress
  bootFile nisMapEntry
28 jpegPhoto
30 matchingRules
31 matchingRuleUse
34 uniqueMember
36 x121Address internationaliSDNNumber
37 objectClasses
39 otherMailbox
41 postalAddress registeredAddress homePostalAddress
42 protocolInformation
43 presentationAddress
44 serialNumber destinationIndicator dnQualifier
49 supportedAlgorithms
51 teletexTerminalIdentifier
52 telexNumber
54 ldapSyntaxes
1.3.6.1.1.1.0.0 nisNetgroupTriple
1.3.6.1.1.1.0.1 bootParameter
`
