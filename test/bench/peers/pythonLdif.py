"""The module ldif of python-ldap: parses and writes a file of LDIF. `pythonLdif.py TASK FILE`; CPU microseconds and records, as JSON."""
import io
import json
import sys
import time

import ldif

task, path = sys.argv[1:]
with open(path, "rb") as file:
    text = file.read()


def parsed():
    parser = ldif.LDIFRecordList(io.BytesIO(text))
    parser.parse()
    return parser.all_records


def written(records):
    writer = ldif.LDIFWriter(io.StringIO())
    for dn, attributes in records:
        writer.unparse(dn, attributes)


records = parsed()
before = time.process_time()
if task == "LDIF parsed":
    parsed()
else:
    written(records)
print(json.dumps({"micros": (time.process_time() - before) * 1e6, "items": len(records)}))
