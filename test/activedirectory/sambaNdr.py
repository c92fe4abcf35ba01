"""Samba's own readers and writers of Active Directory's values, as the oracle of the tests: JSON in, JSON out, one call."""

import json
import sys

import samba
from samba import dsdb
from samba.dcerpc import drsblobs, drsuapi, misc, security
from samba.ndr import ndr_pack, ndr_unpack

OBJECT_TYPES = (5, 6, 7, 8)
CALLBACK_OBJECT_TYPES = (0x0B, 0x0C, 0x0F, 0x10)


def entry(ace):
    result = {"number": ace.type, "flags": ace.flags, "mask": ace.access_mask, "sid": str(ace.trustee)}
    if ace.type in OBJECT_TYPES:
        present = ace.object.flags
        if present & 1:
            result["objectType"] = str(ace.object.type)
        if present & 2:
            result["inheritedObjectType"] = str(ace.object.inherited_type)
    return result


def acl(value):
    return None if value is None else {"revision": value.revision, "entries": [entry(ace) for ace in value.aces]}


def descriptor(value):
    return {
        "owner": None if value.owner_sid is None else str(value.owner_sid),
        "group": None if value.group_sid is None else str(value.group_sid),
        "control": value.type,
        "dacl": acl(value.dacl),
        "sacl": acl(value.sacl),
    }


def unpack(text):
    """A descriptor from bytes: what Samba reads, and what it writes."""
    value = ndr_unpack(security.descriptor, bytes.fromhex(text))
    return {"value": descriptor(value), "bytes": ndr_pack(value).hex()}


def template(number):
    """An entry with every union of its C structure chosen: Python can't choose them."""
    guid = "00299570-246d-11d0-a768-00aa006e0529"
    text = f"D:(OA;;RP;{guid};{guid};AU)" if number in OBJECT_TYPES else "D:(A;;RP;;;AU)"
    ace = security.descriptor.from_sddl(text, security.dom_sid("S-1-5-21-1-2-3")).dacl.aces[0]
    ace.type = number
    return ace


def make(parts):
    """Bytes of a descriptor that Samba builds from its parts."""
    value = security.descriptor()
    if parts["owner"]:
        value.owner_sid = security.dom_sid(parts["owner"])
    if parts["group"]:
        value.group_sid = security.dom_sid(parts["group"])
    value.type = parts["control"]
    for which in ("dacl", "sacl"):
        if parts[which] is None:
            continue
        aces = []
        for item in parts[which]["entries"]:
            ace = template(item["number"])
            ace.flags = item["flags"]
            ace.access_mask = item["mask"]
            ace.trustee = security.dom_sid(item["sid"])
            if item["number"] in OBJECT_TYPES:
                present = 0
                if item.get("objectType"):
                    present |= 1
                    ace.object.type = misc.GUID(item["objectType"])
                if item.get("inheritedObjectType"):
                    present |= 2
                    ace.object.inherited_type = misc.GUID(item["inheritedObjectType"])
                ace.object.flags = present
            aces.append(ace)
        built = security.acl()
        built.revision = parts[which]["revision"]
        built.aces = aces
        built.num_aces = len(aces)
        setattr(value, which, built)
    return ndr_pack(value).hex()


def sddl(item):
    """Text to bytes, by Samba."""
    return ndr_pack(security.descriptor.from_sddl(item["text"], security.dom_sid(item["domain"]))).hex()


def as_sddl(item):
    """Bytes to text, by Samba."""
    return ndr_unpack(security.descriptor, bytes.fromhex(item["bytes"])).as_sddl(security.dom_sid(item["domain"]))


def metadata(text):
    blob = ndr_unpack(drsblobs.replPropertyMetaDataBlob, bytes.fromhex(text))
    return [
        {
            "attid": item.attid,
            "version": item.version,
            "time": str(item.originating_change_time),
            "invocation": str(item.originating_invocation_id),
            "originatingUsn": str(item.originating_usn),
            "localUsn": str(item.local_usn),
        }
        for item in blob.ctr.array
    ]


def make_metadata(items):
    array = []
    for item in items:
        one = drsblobs.replPropertyMetaData1()
        one.attid = item["attid"]
        one.version = item["version"]
        one.originating_change_time = int(item["time"])
        one.originating_invocation_id = misc.GUID(item["invocation"])
        one.originating_usn = int(item["originatingUsn"])
        one.local_usn = int(item["localUsn"])
        array.append(one)
    ctr = drsblobs.replPropertyMetaDataCtr1()
    ctr.count = len(array)
    ctr.array = array
    blob = drsblobs.replPropertyMetaDataBlob()
    blob.version = 1
    blob.ctr = ctr
    return ndr_pack(blob).hex()


def make_vector(item):
    array = []
    for cursor in item["cursors"]:
        one = drsuapi.DsReplicaCursor2() if item["version"] == 2 else drsuapi.DsReplicaCursor()
        one.source_dsa_invocation_id = misc.GUID(cursor["invocation"])
        one.highest_usn = int(cursor["usn"])
        if item["version"] == 2:
            one.last_sync_success = int(cursor["time"])
        array.append(one)
    ctr = drsblobs.replUpToDateVectorCtr2() if item["version"] == 2 else drsblobs.replUpToDateVectorCtr1()
    ctr.count = len(array)
    ctr.cursors = array
    blob = drsblobs.replUpToDateVectorBlob()
    blob.version = item["version"]
    blob.ctr = ctr
    return ndr_pack(blob).hex()


def sid(text):
    """The bytes of a SID, and its text again."""
    packed = ndr_pack(security.dom_sid(text))
    return {"bytes": packed.hex(), "text": str(ndr_unpack(security.dom_sid, packed))}


def guid(text):
    packed = ndr_pack(misc.GUID(text))
    return {"bytes": packed.hex(), "text": str(ndr_unpack(misc.GUID, packed))}


def seconds(units):
    """A FILETIME as seconds since 1970."""
    return samba.nttime2unix(int(units))


def units(value):
    return str(samba.unix2nttime(value))


def constants(prefix):
    """Numbers by their names, as 32 bits."""
    return {name: getattr(dsdb, name) & 0xFFFFFFFF for name in dir(dsdb) if name.startswith(prefix)}


CALLS = {
    f.__name__: f
    for f in (
        unpack, make, sddl, as_sddl, metadata, make_metadata, make_vector, sid, guid, seconds, units, constants
    )
}


def answer(call, value):
    try:
        return {"value": CALLS[call](value)}
    except Exception as error:
        return {"error": repr(error)}


json.dump([answer(call, value) for call, value in json.load(sys.stdin)], sys.stdout)
