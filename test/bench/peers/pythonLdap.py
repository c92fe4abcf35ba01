"""python-ldap, which is libldap in Python: one part a run, told and answered as measure.ts is."""
import json
import resource
import sys
import time

import ldap

task = json.loads(sys.argv[1])
if task.get("ca"):
    ldap.set_option(ldap.OPT_X_TLS_CACERTFILE, task["ca"])
    ldap.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
client = ldap.initialize(task["url"])
client.simple_bind_s(task["bindDn"], task["password"])


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1048576


idle = resident()
rounds = []
for i in range(task["rounds"] + 1):
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    count = sum(len(client.search_s(task["base"], ldap.SCOPE_SUBTREE)) for _ in range(task["searches"]))
    millis = (time.perf_counter() - start) * 1000
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss / 1024
    if i > 0:
        rounds.append({"millis": millis, "cpuMicros": cpu * 1e6, "items": count, "idle": idle, "peak": peak})
client.unbind_s()
print(json.dumps(rounds))
