/**
 * Responses of real servers, byte for byte, and their meaning, decoded by hand beside ldapsearch's output. capture.ts
 * recorded the bytes and lists the requests; values that a server generates differ from run to run (nonces,
 * cookies, times).
 */
import type { LdapResult } from "../../../src/model/LdapError.ts"

export interface Golden {
  readonly server: string
  readonly request: string
  readonly hex: string
  /** In the plain form of arbitraries.ts. */
  readonly message: unknown
}

const hex = (octets: string): unknown => ({ hex: octets })
const text = (value: string): unknown => hex(Buffer.from(value).toString("hex"))

const result = (
  code: number,
  matchedDn: string,
  diagnosticMessage: string,
  referrals: ReadonlyArray<string> = []
): Omit<LdapResult, "controls"> => ({ code, matchedDn, diagnosticMessage, referrals })

const slapd = "OpenLDAP slapd 2.5.13"
const ds389 = "389 Directory Server 2.3.1"

export const goldens: ReadonlyArray<Golden> = [
  {
    server: slapd,
    request: "anonymous bind",
    hex: "300c02010161070a010004000400",
    message: {
      messageId: 1,
      operation: { _tag: "BindResponse", result: result(0, "", "") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "bind with a wrong password",
    hex: "300c02010261070a013104000400",
    message: {
      messageId: 2,
      operation: { _tag: "BindResponse", result: result(49, "", "") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "bind by SCRAM-SHA-1, first step",
    hex: "30818b0201036181850a010e0400041c5341534c2830293a207375636365737366756c20726573756c743a208760723d" +
      "66796b6f2b64326c626246674f4e527639716b786461774c6f5978536978323339793159472b37756852323465475a56" +
      "4a5a7066614e42422c733d78594d34434d344a337a324734357a6a48374b70706a68352b7a303d2c693d34303936",
    message: {
      messageId: 3,
      operation: {
        _tag: "BindResponse",
        result: result(14, "", "SASL(0): successful result: "),
        serverCredentials: text(
          "r=fyko+d2lbbFgONRv9qkxdawLoYxSix239y1YG+7uhR24eGZVJZpfaNBB,s=xYM4CM4J3z2G45zjH7Kppjh5+z0=,i=4096"
        )
      },
      controls: []
    }
  },
  {
    server: slapd,
    request: "root DSE",
    hex: "304d0201066448040030443025040e6e616d696e67436f6e74657874733113041164633d6578616d706c652c64633d63" +
      "6f6d301b0414737570706f727465644c44415056657273696f6e3103040133",
    message: {
      messageId: 6,
      operation: {
        _tag: "SearchResultEntry",
        entry: {
          dn: "",
          attributes: [{ description: "namingContexts", values: [text("dc=example,dc=com")] }, {
            description: "supportedLDAPVersion",
            values: [text("3")]
          }]
        }
      },
      controls: []
    }
  },
  {
    server: slapd,
    request: "lookup",
    hex: "307f020107647a04257569643d616c6963652c6f753d70656f706c652c64633d6578616d706c652c64633d636f6d3051" +
      "30150402636e310f040d416c696365204578616d706c65301b04046d61696c31130411616c696365406578616d706c65" +
      "2e636f6d301b040c7573657250617373776f7264310b0409616c69636570772d31",
    message: {
      messageId: 7,
      operation: {
        _tag: "SearchResultEntry",
        entry: {
          dn: "uid=alice,ou=people,dc=example,dc=com",
          attributes: [{ description: "cn", values: [text("Alice Example")] }, {
            description: "mail",
            values: [text("alice@example.com")]
          }, { description: "userPassword", values: [text("alicepw-1")] }]
        }
      },
      controls: []
    }
  },
  {
    server: slapd,
    request: "lookup of types",
    hex: "3040020108643b04257569643d616c6963652c6f753d70656f706c652c64633d6578616d706c652c64633d636f6d3012" +
      "30060402636e3100300804046d61696c3100",
    message: {
      messageId: 8,
      operation: {
        _tag: "SearchResultEntry",
        entry: {
          dn: "uid=alice,ou=people,dc=example,dc=com",
          attributes: [{ description: "cn", values: [] }, { description: "mail", values: [] }]
        }
      },
      controls: []
    }
  },
  {
    server: slapd,
    request: "lookup of nothing",
    hex: "301d02010965180a0120041164633d6578616d706c652c64633d636f6d0400",
    message: {
      messageId: 9,
      operation: { _tag: "SearchResultDone", result: result(32, "dc=example,dc=com", "") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "first page",
    hex: "303902010a65070a010004000400a02b30290416312e322e3834302e3131333535362e312e342e333139040f300d0201" +
      "0004080100000000000000",
    message: {
      messageId: 10,
      operation: { _tag: "SearchResultDone", result: result(0, "", "") },
      controls: [{ oid: "1.2.840.113556.1.4.319", critical: false, value: hex("300d02010004080100000000000000") }]
    }
  },
  {
    server: slapd,
    request: "references",
    hex: "303f02010e733a04386c6461703a2f2f3132372e302e302e313a32343839302f6f753d70656f706c652c64633d657861" +
      "6d706c652c64633d636f6d3f3f62617365",
    message: {
      messageId: 14,
      operation: { _tag: "SearchResultReference", uris: ["ldap://127.0.0.1:24890/ou=people,dc=example,dc=com??base"] },
      controls: []
    }
  },
  {
    server: slapd,
    request: "references",
    hex: "305c02010e735704296c6461703a2f2f3132372e302e302e313a31333939392f64633d656c736577686572653f3f6261" +
      "7365042a6c646170733a2f2f3132372e302e302e313a31333939382f64633d656c736577686572653f3f62617365",
    message: {
      messageId: 14,
      operation: {
        _tag: "SearchResultReference",
        uris: ["ldap://127.0.0.1:13999/dc=elsewhere??base", "ldaps://127.0.0.1:13998/dc=elsewhere??base"]
      },
      controls: []
    }
  },
  {
    server: slapd,
    request: "referral",
    hex: "30819102010f65818b0a010a042b636e3d656c736577686572652c6f753d726566657272616c732c64633d6578616d70" +
      "6c652c64633d636f6d0400a35704296c6461703a2f2f3132372e302e302e313a31333939392f64633d656c7365776865" +
      "72653f3f62617365042a6c646170733a2f2f3132372e302e302e313a31333939382f64633d656c736577686572653f3f" +
      "62617365",
    message: {
      messageId: 15,
      operation: {
        _tag: "SearchResultDone",
        result: result(10, "cn=elsewhere,ou=referrals,dc=example,dc=com", "", [
          "ldap://127.0.0.1:13999/dc=elsewhere??base",
          "ldaps://127.0.0.1:13998/dc=elsewhere??base"
        ])
      },
      controls: []
    }
  },
  {
    server: slapd,
    request: "compare, true",
    hex: "300c0201106f070a010604000400",
    message: {
      messageId: 16,
      operation: { _tag: "CompareResponse", result: result(6, "", "") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "compare, false",
    hex: "300c0201116f070a010504000400",
    message: {
      messageId: 17,
      operation: { _tag: "CompareResponse", result: result(5, "", "") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "who am I",
    hex: "302b02011278260a0100040004008b1d646e3a636e3d61646d696e2c64633d6578616d706c652c64633d636f6d",
    message: {
      messageId: 18,
      operation: { _tag: "ExtendedResponse", result: result(0, "", ""), value: text("dn:cn=admin,dc=example,dc=com") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "unknown extended operation",
    hex: "302a02011378250a01020400041e756e737570706f7274656420657874656e646564206f7065726174696f6e",
    message: {
      messageId: 19,
      operation: { _tag: "ExtendedResponse", result: result(2, "", "unsupported extended operation") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "add without a parent",
    hex: "3024020114691f0a0141040004186e6f206f626a656374436c61737320617474726962757465",
    message: {
      messageId: 20,
      operation: { _tag: "AddResponse", result: result(65, "", "no objectClass attribute") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "delete of nothing",
    hex: "301d0201156b180a0120041164633d6578616d706c652c64633d636f6d0400",
    message: {
      messageId: 21,
      operation: { _tag: "DeleteResponse", result: result(32, "dc=example,dc=com", "") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "rename of nothing",
    hex: "301d0201166d180a0120041164633d6578616d706c652c64633d636f6d0400",
    message: {
      messageId: 22,
      operation: { _tag: "ModifyDnResponse", result: result(32, "dc=example,dc=com", "") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "modify of nothing",
    hex: "301d02011767180a0120041164633d6578616d706c652c64633d636f6d0400",
    message: {
      messageId: 23,
      operation: { _tag: "ModifyResponse", result: result(32, "dc=example,dc=com", "") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "search with an unknown critical control",
    hex: "3030020118652b0a010c04000424637269746963616c20657874656e73696f6e206973206e6f74207265636f676e697a" +
      "6564",
    message: {
      messageId: 24,
      operation: { _tag: "SearchResultDone", result: result(12, "", "critical extension is not recognized") },
      controls: []
    }
  },
  {
    server: slapd,
    request: "content synchronization, refresh and persist",
    hex: "30510201196415041164633d6578616d706c652c64633d636f6d3000a03530330418312e332e362e312e342e312e3432" +
      "30332e312e392e312e32041730150a01010410d22f56c47aae104199555500a564e03d",
    message: {
      messageId: 25,
      operation: { _tag: "SearchResultEntry", entry: { dn: "dc=example,dc=com", attributes: [] } },
      controls: [{
        oid: "1.3.6.1.4.1.4203.1.9.1.2",
        critical: false,
        value: hex("30150a01010410d22f56c47aae104199555500a564e03d")
      }]
    }
  },
  {
    server: slapd,
    request: "content synchronization, refresh and persist",
    hex: "3061020119795c8018312e332e362e312e342e312e343230332e312e392e312e348140a13e043c7269643d3030302c73" +
      "69643d3030312c63736e3d32303236313132323130353432332e3038383436375a233030303030302330303023303030" +
      "303030",
    message: {
      messageId: 25,
      operation: {
        _tag: "IntermediateResponse",
        oid: "1.3.6.1.4.1.4203.1.9.1.4",
        value: hex(
          "a13e043c7269643d3030302c7369643d3030312c63736e3d3230323631313232" +
            "3130353432332e3038383436375a233030303030302330303023303030303030"
        )
      },
      controls: []
    }
  },
  {
    server: slapd,
    request: "unknown operation",
    hex: "303802010078330a010204000414756e6b6e6f776e204c44415020726571756573748a16312e332e362e312e342e312e" +
      "313436362e3230303336",
    message: {
      messageId: 0,
      operation: {
        _tag: "ExtendedResponse",
        result: result(2, "", "unknown LDAP request"),
        oid: "1.3.6.1.4.1.1466.20036"
      },
      controls: []
    }
  },
  {
    server: ds389,
    request: "sorted",
    hex: "303602010c65070a010004000400a02830260416312e322e3834302e3131333535362e312e342e3437340101ff040930" +
      "84000000030a0100",
    message: {
      messageId: 12,
      operation: { _tag: "SearchResultDone", result: result(0, "", "") },
      controls: [{ oid: "1.2.840.113556.1.4.474", critical: true, value: hex("3084000000030a0100") }]
    }
  },
  {
    server: ds389,
    request: "first page",
    hex: "303302010a65070a010004000400a02530230416312e322e3834302e3131333535362e312e342e333139040930070202" +
      "03f0040130",
    message: {
      messageId: 10,
      operation: { _tag: "SearchResultDone", result: result(0, "", "") },
      controls: [{ oid: "1.2.840.113556.1.4.319", critical: false, value: hex("3007020203f0040130") }]
    }
  },
  {
    server: ds389,
    request: "root DSE",
    hex: "305e0201066459040030553033040e6e616d696e67436f6e74657874733121040c636e3d6368616e67656c6f67041164" +
      "633d6578616d706c652c64633d636f6d301e0414737570706f727465644c44415056657273696f6e3106040132040133",
    message: {
      messageId: 6,
      operation: {
        _tag: "SearchResultEntry",
        entry: {
          dn: "",
          attributes: [{ description: "namingContexts", values: [text("cn=changelog"), text("dc=example,dc=com")] }, {
            description: "supportedLDAPVersion",
            values: [text("2"), text("3")]
          }]
        }
      },
      controls: []
    }
  },
  {
    server: ds389,
    request: "who am I",
    hex: "302602011278210a0100040004008b18646e3a20636e3d6469726563746f7279206d616e61676572",
    message: {
      messageId: 18,
      operation: { _tag: "ExtendedResponse", result: result(0, "", ""), value: text("dn: cn=directory manager") },
      controls: []
    }
  }
]
