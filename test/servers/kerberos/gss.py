"""
Contexts of the GSS-API for tests, made by MIT's library through python3-gssapi: a line of JSON in, a line of JSON out. What
the library can do and the npm package can't is wrapping, and asking for less than everything.
"""
import base64
import json
import sys

import gssapi
from gssapi.raw import set_cred_option

MECHANISMS = {
    "kerberos": gssapi.OID.from_int_seq("1.2.840.113554.1.2.2"),
    "spnego": gssapi.OID.from_int_seq("1.3.6.1.5.5.2"),
}
# GSS_KRB5_CRED_NO_CI_FLAGS_X: integrity and confidentiality only if they are asked for.
NO_CI_FLAGS = gssapi.OID.from_int_seq("1.2.752.43.13.29")
FLAGS = gssapi.RequirementFlag
ASKED = {
    "none": [],
    "integrity": [FLAGS.integrity],
    "confidentiality": [FLAGS.integrity, FLAGS.confidentiality],
}

contexts = {}


def bindings(ask):
    data = octets(ask.get("bindings"))
    return None if data is None else gssapi.raw.ChannelBindings(application_data=data)


def octets(text):
    return None if text is None else base64.b64decode(text)


def text(octets):
    return None if octets is None else base64.b64encode(octets).decode()


def protection(context):
    if not context.complete:
        return None
    if FLAGS.confidentiality in context.actual_flags:
        return "confidentiality"
    return "integrity" if FLAGS.integrity in context.actual_flags else "none"


def answer(ask):
    if ask["do"] == "make":
        flags = [FLAGS.mutual_authentication, FLAGS.replay_detection, FLAGS.out_of_sequence_detection]
        credentials = gssapi.Credentials(usage="initiate")
        set_cred_option(NO_CI_FLAGS, credentials)
        flags += ASKED[ask["protection"]]
        contexts[ask["context"]] = gssapi.SecurityContext(
            name=gssapi.Name(ask["service"], gssapi.NameType.hostbased_service),
            creds=credentials,
            mech=MECHANISMS[ask["mechanism"]],
            flags=flags,
            usage="initiate",
            channel_bindings=bindings(ask),
        )
        return {}
    if ask["do"] == "accept":
        contexts[ask["context"]] = gssapi.SecurityContext(
            creds=gssapi.Credentials(usage="accept", store={"keytab": ask["keytab"]}),
            usage="accept",
            channel_bindings=bindings(ask),
        )
        return {}
    context = contexts[ask["context"]]
    if ask["do"] == "step":
        token = context.step(octets(ask["octets"]))
        client = str(context.initiator_name) if context.complete and not context.locally_initiated else None
        return {
            "octets": text(token),
            "complete": context.complete,
            "protection": protection(context),
            "client": client,
        }
    if ask["do"] == "mic":
        return {"octets": text(context.get_signature(octets(ask["octets"])))}
    if ask["do"] == "verify":
        context.verify_signature(octets(ask["octets"]), octets(ask["mic"]))
        return {}
    if ask["do"] == "wrap":
        return {"octets": text(context.wrap(octets(ask["octets"]), ask["confidential"]).message)}
    unwrapped = context.unwrap(octets(ask["octets"]))
    return {"octets": text(unwrapped.message), "confidential": unwrapped.encrypted}


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except gssapi.exceptions.GSSError as error:
        said = {"error": str(error)}
    print(json.dumps(said), flush=True)
