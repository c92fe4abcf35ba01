/**
 * The attribute types and object classes that the directory knows, as data: those of RFC 4512, RFC 4519, RFC 4524 (cosine), RFC
 * 2798 (inetOrgPerson), RFC 2307 (nis), and those of Active Directory that programs use most. AttributeTypes.ts explains the
 * columns.
 */

/** Object identifier, names, the equality rule or `<` and the supertype, then the other properties of the type. */
export const attributeTable = `
2.5.4.0 objectClass oid
2.5.21.9 structuralObjectClass oid single readOnly operational
2.5.18.1 createTimestamp time ordering single readOnly operational
2.5.18.2 modifyTimestamp time ordering single readOnly operational
2.5.18.3 creatorsName dn single readOnly operational
2.5.18.4 modifiersName dn single readOnly operational
2.5.18.9 hasSubordinates boolean single readOnly operational
2.5.18.10 subschemaSubentry dn single readOnly operational
1.3.6.1.1.20 entryDN dn single readOnly operational
1.3.6.1.1.16.4 entryUUID uuid ordering single readOnly operational
1.3.6.1.4.1.1466.101.120.6 altServer caseIgnore operational
1.3.6.1.4.1.1466.101.120.5 namingContexts dn operational
1.3.6.1.4.1.1466.101.120.13 supportedControl oid operational
1.3.6.1.4.1.1466.101.120.7 supportedExtension oid operational
1.3.6.1.4.1.1466.101.120.15 supportedLDAPVersion integer operational
1.3.6.1.4.1.1466.101.120.14 supportedSASLMechanisms caseIgnore operational
1.3.6.1.4.1.4203.1.3.5 supportedFeatures oid operational
1.3.6.1.1.4 vendorName caseExact single readOnly operational
1.3.6.1.1.5 vendorVersion caseExact single readOnly operational
2.5.21.4 matchingRules caseIgnore operational
2.5.21.5 attributeTypes caseIgnore operational
2.5.21.6 objectClasses caseIgnore operational
2.5.21.8 matchingRuleUse caseIgnore operational
1.3.6.1.4.1.1466.101.120.16 ldapSyntaxes caseIgnore operational
2.5.4.1 aliasedObjectName aliasedEntryName dn single
2.16.840.1.113730.3.1.34 ref caseExact operational
1.3.6.1.4.1.1466.101.119.3 entryTtl integer single readOnly operational
1.3.6.1.4.1.1466.101.119.4 dynamicSubtrees dn readOnly operational
1.3.6.1.4.1.42.2.27.8.1.16 pwdChangedTime time ordering single readOnly operational
1.3.6.1.4.1.42.2.27.8.1.17 pwdAccountLockedTime time ordering single readOnly operational
1.3.6.1.4.1.42.2.27.8.1.19 pwdFailureTime time ordering readOnly operational
1.3.6.1.4.1.42.2.27.8.1.21 pwdGraceUseTime time readOnly operational
1.3.6.1.4.1.42.2.27.8.1.22 pwdReset boolean single readOnly operational
2.5.4.49 distinguishedName dn
2.5.4.41 name caseIgnore
2.5.4.3 cn commonName <name
0.9.2342.19200300.100.1.1 uid userid caseIgnore
1.3.6.1.1.1.1.0 uidNumber integer ordering single
1.3.6.1.1.1.1.1 gidNumber integer ordering single
2.5.4.35 userPassword octets
1.3.6.1.4.1.250.1.57 labeledURI caseExact
2.5.4.13 description caseIgnore
2.5.4.34 seeAlso <distinguishedName
1.2.840.113556.1.2.102 memberOf dn operational
2.5.4.2 knowledgeInformation caseIgnore
2.5.4.4 sn surname <name
2.5.4.5 serialNumber caseIgnore
2.5.4.6 c countryName <name single
2.5.4.7 l localityName <name
2.5.4.8 st stateOrProvinceName <name
2.5.4.9 street streetAddress caseIgnore
2.5.4.10 o organizationName <name
2.5.4.11 ou organizationalUnitName <name
2.5.4.12 title <name
2.5.4.14 searchGuide octets
2.5.4.15 businessCategory caseIgnore
2.5.4.16 postalAddress caseIgnore
2.5.4.17 postalCode caseIgnore
2.5.4.18 postOfficeBox caseIgnore
2.5.4.19 physicalDeliveryOfficeName caseIgnore
2.5.4.20 telephoneNumber telephone
2.5.4.21 telexNumber octets
2.5.4.22 teletexTerminalIdentifier octets
2.5.4.23 facsimileTelephoneNumber fax octets
2.5.4.24 x121Address telephone
2.5.4.25 internationaliSDNNumber telephone
2.5.4.26 registeredAddress <postalAddress
2.5.4.27 destinationIndicator caseIgnore
2.5.4.28 preferredDeliveryMethod octets single
2.5.4.29 presentationAddress caseIgnore single
2.5.4.30 supportedApplicationContext oid
2.5.4.31 member <distinguishedName
2.5.4.32 owner <distinguishedName
2.5.4.33 roleOccupant <distinguishedName
2.5.4.36 userCertificate octets
2.5.4.37 cACertificate octets
2.5.4.38 authorityRevocationList octets
2.5.4.39 certificateRevocationList octets
2.5.4.40 crossCertificatePair octets
2.5.4.42 givenName gn <name
2.5.4.43 initials <name
2.5.4.44 generationQualifier <name
2.5.4.45 x500UniqueIdentifier octets
2.5.4.46 dnQualifier caseIgnore ordering
2.5.4.47 enhancedSearchGuide octets
2.5.4.48 protocolInformation caseIgnore
2.5.4.50 uniqueMember dn
2.5.4.51 houseIdentifier caseIgnore
2.5.4.52 supportedAlgorithms octets
2.5.4.53 deltaRevocationList octets
2.5.4.54 dmdName <name
2.5.4.65 pseudonym <name
0.9.2342.19200300.100.1.3 mail rfc822Mailbox caseIgnore
0.9.2342.19200300.100.1.25 dc domainComponent caseIgnore single
0.9.2342.19200300.100.1.37 associatedDomain caseIgnore
1.2.840.113549.1.9.1 email emailAddress pkcs9email caseIgnore
0.9.2342.19200300.100.1.2 textEncodedORAddress caseIgnore
0.9.2342.19200300.100.1.4 info caseIgnore
0.9.2342.19200300.100.1.5 drink favouriteDrink caseIgnore
0.9.2342.19200300.100.1.6 roomNumber caseIgnore
0.9.2342.19200300.100.1.7 photo octets
0.9.2342.19200300.100.1.8 userClass caseIgnore
0.9.2342.19200300.100.1.9 host caseIgnore
0.9.2342.19200300.100.1.10 manager dn
0.9.2342.19200300.100.1.11 documentIdentifier caseIgnore
0.9.2342.19200300.100.1.12 documentTitle caseIgnore
0.9.2342.19200300.100.1.13 documentVersion caseIgnore
0.9.2342.19200300.100.1.14 documentAuthor dn
0.9.2342.19200300.100.1.15 documentLocation caseIgnore
0.9.2342.19200300.100.1.20 homePhone homeTelephoneNumber telephone
0.9.2342.19200300.100.1.21 secretary dn
0.9.2342.19200300.100.1.22 otherMailbox octets
0.9.2342.19200300.100.1.26 aRecord caseIgnore
0.9.2342.19200300.100.1.27 mDRecord caseIgnore
0.9.2342.19200300.100.1.28 mXRecord caseIgnore
0.9.2342.19200300.100.1.29 nSRecord caseIgnore
0.9.2342.19200300.100.1.30 sOARecord caseIgnore
0.9.2342.19200300.100.1.31 cNAMERecord caseIgnore
0.9.2342.19200300.100.1.38 associatedName dn
0.9.2342.19200300.100.1.39 homePostalAddress caseIgnore
0.9.2342.19200300.100.1.40 personalTitle caseIgnore
0.9.2342.19200300.100.1.41 mobile mobileTelephoneNumber telephone
0.9.2342.19200300.100.1.42 pager pagerTelephoneNumber telephone
0.9.2342.19200300.100.1.43 co friendlyCountryName caseIgnore
0.9.2342.19200300.100.1.44 uniqueIdentifier caseIgnore
0.9.2342.19200300.100.1.45 organizationalStatus caseIgnore
0.9.2342.19200300.100.1.46 janetMailbox caseIgnore
0.9.2342.19200300.100.1.47 mailPreferenceOption integer
0.9.2342.19200300.100.1.48 buildingName caseIgnore
0.9.2342.19200300.100.1.49 dSAQuality octets single
0.9.2342.19200300.100.1.50 singleLevelQuality octets single
0.9.2342.19200300.100.1.51 subtreeMinimumQuality octets single
0.9.2342.19200300.100.1.52 subtreeMaximumQuality octets single
0.9.2342.19200300.100.1.53 personalSignature octets
0.9.2342.19200300.100.1.54 dITRedirect dn
0.9.2342.19200300.100.1.55 audio octets
0.9.2342.19200300.100.1.56 documentPublisher caseIgnore
2.16.840.1.113730.3.1.1 carLicense caseIgnore
2.16.840.1.113730.3.1.2 departmentNumber caseIgnore
2.16.840.1.113730.3.1.241 displayName caseIgnore single
2.16.840.1.113730.3.1.3 employeeNumber caseIgnore single
2.16.840.1.113730.3.1.4 employeeType caseIgnore
0.9.2342.19200300.100.1.60 jpegPhoto octets
2.16.840.1.113730.3.1.39 preferredLanguage caseIgnore single
2.16.840.1.113730.3.1.40 userSMIMECertificate octets
2.16.840.1.113730.3.1.216 userPKCS12 octets
1.3.6.1.1.1.1.2 gecos caseIgnore single
1.3.6.1.1.1.1.3 homeDirectory caseExact single
1.3.6.1.1.1.1.4 loginShell caseExact single
1.3.6.1.1.1.1.5 shadowLastChange integer single
1.3.6.1.1.1.1.6 shadowMin integer single
1.3.6.1.1.1.1.7 shadowMax integer single
1.3.6.1.1.1.1.8 shadowWarning integer single
1.3.6.1.1.1.1.9 shadowInactive integer single
1.3.6.1.1.1.1.10 shadowExpire integer single
1.3.6.1.1.1.1.11 shadowFlag integer single
1.3.6.1.1.1.1.12 memberUid caseExact
1.3.6.1.1.1.1.13 memberNisNetgroup caseExact
1.3.6.1.1.1.1.14 nisNetgroupTriple octets
1.3.6.1.1.1.1.15 ipServicePort integer single
1.3.6.1.1.1.1.16 ipServiceProtocol <name
1.3.6.1.1.1.1.17 ipProtocolNumber integer single
1.3.6.1.1.1.1.18 oncRpcNumber integer single
1.3.6.1.1.1.1.19 ipHostNumber caseIgnore
1.3.6.1.1.1.1.20 ipNetworkNumber caseIgnore single
1.3.6.1.1.1.1.21 ipNetmaskNumber caseIgnore single
1.3.6.1.1.1.1.22 macAddress caseIgnore
1.3.6.1.1.1.1.23 bootParameter octets
1.3.6.1.1.1.1.24 bootFile caseExact
1.3.6.1.1.1.1.26 nisMapName <name
1.3.6.1.1.1.1.27 nisMapEntry caseExact single
2.16.840.1.113730.3.1.198 memberURL <labeledURI
1.2.840.113556.1.4.221 sAMAccountName caseIgnore single
1.2.840.113556.1.4.656 userPrincipalName caseIgnore single
1.2.840.113556.1.4.8 userAccountControl integer ordering single
1.2.840.113556.1.4.302 sAMAccountType integer ordering single
1.2.840.113556.1.4.750 groupType integer ordering single
1.2.840.113556.1.4.96 pwdLastSet integer ordering single
1.2.840.113556.1.4.159 accountExpires integer ordering single
1.2.840.113556.1.4.662 lockoutTime integer ordering single
1.2.840.113556.1.4.52 lastLogon integer ordering single
1.2.840.113556.1.4.98 primaryGroupID integer ordering single
1.2.840.113556.1.4.90 unicodePwd octets single
1.2.840.113556.1.4.146 objectSid octets single
1.2.840.113556.1.4.2 objectGUID octets single
1.2.840.113556.1.2.2 whenCreated time ordering single
1.2.840.113556.1.2.3 whenChanged time ordering single
1.2.840.113556.1.2.120 uSNChanged integer ordering single
2.16.840.1.113730.3.1.5 changeNumber integer ordering single
1.2.840.113556.1.2.19 uSNCreated integer ordering single
1.2.840.113556.1.4.782 objectCategory dn single
1.2.840.113556.1.4.771 servicePrincipalName caseIgnore
1.2.840.113556.1.2.210 proxyAddresses caseIgnore
1.2.840.113556.1.2.146 company caseIgnore single
1.2.840.113556.1.2.141 department caseIgnore single
1.2.840.113556.1.4.12 badPwdCount integer ordering single
1.2.840.113556.1.4.49 badPasswordTime integer ordering single
1.2.840.113556.1.4.169 logonCount integer ordering single
1.2.840.113556.1.4.51 lastLogoff integer ordering single
1.2.840.113556.1.4.1696 lastLogonTimestamp integer ordering single
1.2.840.113556.1.4.1996 msDS-UserPasswordExpiryTimeComputed integer ordering single operational
1.2.840.113556.1.4.1460 msDS-User-Account-Control-Computed integer ordering single operational
1.2.840.113556.1.4.1865 msDS-PrincipalName caseIgnore single operational
1.2.840.113556.1.4.1963 msDS-SupportedEncryptionTypes integer ordering single
1.2.840.113556.1.4.1301 tokenGroups octets operational
1.2.840.113556.1.4.609 sIDHistory octets
1.2.840.113556.1.4.1412 primaryGroupToken integer single operational
1.2.840.113556.1.2.1 instanceType integer ordering single
1.2.840.113556.1.2.48 isDeleted boolean single
1.2.840.113556.1.2.281 nTSecurityDescriptor octets single
1.2.840.113556.1.4.3 replPropertyMetaData octets single operational
1.2.840.113556.1.2.115 invocationId octets single
1.2.840.113556.1.4.868 isCriticalSystemObject boolean single
1.2.840.113556.1.4.1357 dSCorePropagationData time ordering
1.2.840.113556.1.4.150 adminCount integer ordering single
1.2.840.113556.1.2.194 adminDisplayName caseIgnore single
1.2.840.113556.1.4.916 canonicalName caseIgnore operational
1.2.840.113556.1.2.464 wWWHomePage caseIgnore single
1.2.840.113556.1.4.749 url caseIgnore
1.2.840.113556.1.4.721 ipPhone caseIgnore single
1.2.840.113556.1.2.18 otherTelephone caseIgnore
2.16.840.1.113730.3.1.35 thumbnailPhoto octets single
1.2.840.113556.1.4.35 employeeID caseIgnore single
1.2.840.113556.1.4.261 division caseIgnore single
1.2.840.113556.1.4.45 homeDrive caseIgnore single
1.2.840.113556.1.4.139 profilePath caseIgnore single
1.2.840.113556.1.4.62 scriptPath caseIgnore single
1.2.840.113556.1.4.86 userWorkstations caseIgnore single
1.2.840.113556.1.4.64 logonHours octets single
1.2.840.113556.1.4.138 userParameters caseIgnore single
1.2.840.113556.1.4.156 comment caseIgnore single
1.2.840.113556.1.4.16 codePage integer ordering single
1.2.840.113556.1.4.25 countryCode integer ordering single
1.2.840.113556.1.4.653 managedBy dn single
1.2.840.113556.1.2.436 directReports dn
1.2.840.113556.1.4.654 managedObjects dn
1.2.840.113556.1.4.644 showInAddressBook dn
1.2.840.113556.1.4.619 dNSHostName caseIgnore single
1.2.840.113556.1.4.363 operatingSystem caseIgnore single
1.2.840.113556.1.4.364 operatingSystemVersion caseIgnore single
`

/**
 * The types whose values have no rule for equality (RFC 4519, RFC 4524, RFC 2798, RFC 2307 leave it out), or one that slapd
 * doesn't carry out: presentationAddressMatch and protocolInformationMatch.
 */
export const noEqualityTable = `
altServer supportedControl supportedExtension supportedLDAPVersion supportedSASLMechanisms entryTtl dynamicSubtrees
searchGuide telexNumber teletexTerminalIdentifier facsimileTelephoneNumber preferredDeliveryMethod
authorityRevocationList certificateRevocationList crossCertificatePair enhancedSearchGuide supportedAlgorithms
deltaRevocationList photo otherMailbox mailPreferenceOption dSAQuality singleLevelQuality subtreeMinimumQuality
subtreeMaximumQuality personalSignature audio jpegPhoto userSMIMECertificate userPKCS12 nisNetgroupTriple bootParameter
presentationAddress protocolInformation
`

/** The types of text whose values have no rule for substrings (RFC 2079, RFC 2307, RFC 4519, RFC 4524, RFC 3045 leave it out). */
export const noSubstringsTable = `
labeledURI memberURL knowledgeInformation uniqueIdentifier homeDirectory loginShell bootFile macAddress ipHostNumber
ipNetworkNumber ipNetmaskNumber aRecord mDRecord mXRecord nSRecord sOARecord cNAMERecord ref vendorName vendorVersion altServer
supportedSASLMechanisms
`

/** Object identifier, names, the superior class, the kind. */
export const objectClassTable = `
2.5.6.0 top - abstract
1.3.6.1.4.1.1466.101.120.111 extensibleObject top auxiliary
2.5.6.1 alias top structural
2.16.840.1.113730.3.2.6 referral top structural
1.3.6.1.4.1.4203.1.4.1 OpenLDAProotDSE LDAProotDSE top structural
2.5.17.0 subentry top structural
2.5.20.1 subschema - auxiliary
1.3.6.1.4.1.1466.101.119.2 dynamicObject top auxiliary
2.5.6.2 country top structural
2.5.6.3 locality top structural
2.5.6.4 organization top structural
2.5.6.5 organizationalUnit top structural
2.5.6.6 person top structural
2.5.6.7 organizationalPerson person structural
2.5.6.8 organizationalRole top structural
2.5.6.9 groupOfNames top structural
2.5.6.10 residentialPerson person structural
2.5.6.11 applicationProcess top structural
2.5.6.12 applicationEntity top structural
2.5.6.13 dSA applicationEntity structural
2.5.6.14 device top structural
2.5.6.15 strongAuthenticationUser top auxiliary
2.5.6.16 certificationAuthority top auxiliary
2.5.6.17 groupOfUniqueNames top structural
2.5.6.18 userSecurityInformation top auxiliary
2.5.6.16.2 certificationAuthority-V2 certificationAuthority auxiliary
2.5.6.19 cRLDistributionPoint top structural
2.5.6.20 dmd top structural
2.5.6.21 pkiUser top auxiliary
2.5.6.22 pkiCA top auxiliary
2.5.6.23 deltaCRL top auxiliary
1.3.6.1.4.1.250.3.15 labeledURIObject top auxiliary
0.9.2342.19200300.100.4.19 simpleSecurityObject top auxiliary
1.3.6.1.4.1.1466.344 dcObject top auxiliary
1.3.6.1.1.3.1 uidObject top auxiliary
0.9.2342.19200300.100.4.4 pilotPerson newPilotPerson person structural
0.9.2342.19200300.100.4.5 account top structural
0.9.2342.19200300.100.4.6 document top structural
0.9.2342.19200300.100.4.7 room top structural
0.9.2342.19200300.100.4.9 documentSeries top structural
0.9.2342.19200300.100.4.13 domain top structural
0.9.2342.19200300.100.4.14 RFC822localPart domain structural
0.9.2342.19200300.100.4.15 dNSDomain domain structural
0.9.2342.19200300.100.4.17 domainRelatedObject top auxiliary
0.9.2342.19200300.100.4.18 friendlyCountry country structural
0.9.2342.19200300.100.4.20 pilotOrganization organization structural
0.9.2342.19200300.100.4.21 pilotDSA dsa structural
0.9.2342.19200300.100.4.22 qualityLabelledData top auxiliary
2.16.840.1.113730.3.2.2 inetOrgPerson organizationalPerson structural
1.3.6.1.1.1.2.0 posixAccount top auxiliary
1.3.6.1.1.1.2.1 shadowAccount top auxiliary
1.3.6.1.1.1.2.2 posixGroup top structural
1.3.6.1.1.1.2.3 ipService top structural
1.3.6.1.1.1.2.4 ipProtocol top structural
1.3.6.1.1.1.2.5 oncRpc top structural
1.3.6.1.1.1.2.6 ipHost top auxiliary
1.3.6.1.1.1.2.7 ipNetwork top structural
1.3.6.1.1.1.2.8 nisNetgroup top structural
1.3.6.1.1.1.2.9 nisMap top structural
1.3.6.1.1.1.2.10 nisObject top structural
1.3.6.1.1.1.2.11 ieee802Device top auxiliary
1.3.6.1.1.1.2.12 bootableDevice top auxiliary
2.16.840.1.113730.3.2.33 groupOfURLs top structural
1.2.840.113556.1.5.9 user organizationalPerson structural
1.2.840.113556.1.3.30 computer user structural
1.2.840.113556.1.5.8 group top structural
1.2.840.113556.1.3.23 container top structural
`
