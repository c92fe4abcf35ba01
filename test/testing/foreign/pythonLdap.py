"""Drives an LDAP server with python-ldap, and prints what it answered: one JSON object, step by step.

Arguments: the URL of the server, the base, the administrator's name and password.
"""
import json
import sys

import ldap
import ldap.modlist
from ldap.controls import SimplePagedResultsControl

url, base, admin, password = sys.argv[1:5]
people = "ou=people," + base
scratch = "ou=scratch," + base
answers = {}


def text(value):
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def entries(found):
    """Names with their attributes, in an order of our own; references without a name."""
    return sorted(
        [dn or "", {} if dn is None else {name: sorted(map(text, values)) for name, values in attributes.items()}]
        if dn is not None else ["", sorted(map(text, attributes))]
        for dn, attributes in found
    )


def step(name, action):
    try:
        answers[name] = action()
    except ldap.LDAPError as error:
        facts = error.args[0] if error.args else {}
        answers[name] = {"code": facts.get("result", error.__class__.__name__), "matched": facts.get("matched", "")}


def connect(who=None, secret=None):
    connection = ldap.initialize(url)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.protocol_version = 3
    if who is not None:
        connection.simple_bind_s(who, secret)
    return connection


def search(connection, start=base, scope=ldap.SCOPE_SUBTREE, filter="(objectClass=*)", attributes=None, **options):
    return entries(connection.search_ext_s(start, scope, filter, attributes, **options))


def pages(connection, size):
    control = SimplePagedResultsControl(True, size=size, cookie="")
    sizes = []
    while True:
        message = connection.search_ext("ou=many," + base, ldap.SCOPE_ONELEVEL, "(cn=*)", ["cn"], serverctrls=[control])
        _, found, _, controls = connection.result3(message)
        sizes.append(len(found))
        cookie = [c.cookie for c in controls if c.controlType == SimplePagedResultsControl.controlType][0]
        if not cookie:
            return sizes
        control.cookie = cookie


def bind_again(connection):
    connection.simple_bind_s("uid=alice," + people, "alicepw-1")
    return connection.whoami_s()


def add(connection, dn, **attributes):
    return connection.add_s(dn, [(name, value) for name, value in attributes.items()])[0]


anonymous = connect()
administrator = connect(admin, password)
alice = "uid=alice," + people

step("who anonymous is", anonymous.whoami_s)
step("who the administrator is", administrator.whoami_s)
step("wrong password", lambda: connect(admin, "wrong"))
step("no such user", lambda: connect("uid=unknown," + people, "x"))
step("no password", lambda: connect(admin, ""))
step("no name", lambda: connect("not a name", "x"))
step("a person binds", lambda: connect(alice, "alicepw-1").whoami_s())
step("binding again on one connection", lambda: bind_again(connect(admin, password)))
step("everything", lambda: search(administrator, people))
step("what anonymous sees", lambda: search(anonymous, people))
step("one level", lambda: search(anonymous, base, ldap.SCOPE_ONELEVEL, attributes=["ou"]))
step("base", lambda: search(anonymous, alice, ldap.SCOPE_BASE, attributes=["mail", "cn"]))
step("subordinates", lambda: search(anonymous, people, ldap.SCOPE_SUBORDINATE, attributes=["1.1"]))
step("types alone", lambda: search(anonymous, alice, ldap.SCOPE_BASE, attributes=["mail", "cn"], attrsonly=1))
step("non-ASCII", lambda: search(anonymous, people, filter="(cn=G\u00fcnther*)", attributes=["cn", "sn"]))
step("a tag", lambda: search(anonymous, people, filter="(cn;lang-de=*)", attributes=["cn;lang-de"]))
step("octets", lambda: search(anonymous, people, filter="(jpegPhoto=*)", attributes=["jpegPhoto"]))
step("and, or, not", lambda: search(anonymous, people, filter="(&(|(uid=a*)(uid=b*))(!(sn=carol)))", attributes=["uid"]))
step("greater", lambda: search(anonymous, base, filter="(uidNumber>=10004)", attributes=["uidNumber"]))
step("escaped", lambda: search(anonymous, people, filter="(cn=Smith, John + \\22Jack\\22)", attributes=["sn"]))
step("a bad filter", lambda: search(anonymous, people, filter="(cn=unbalanced"))
step("not there", lambda: search(anonymous, "cn=x,ou=nowhere," + people))
step("another tree", lambda: search(anonymous, "dc=other"))
step("size limit", lambda: search(anonymous, "ou=many," + base, sizelimit=3))
step("pages", lambda: pages(administrator, 500))
step("pages of anonymous", lambda: pages(anonymous, 500))
step("compare", lambda: administrator.compare_s(alice, "sn", b"example"))
step("compare, false", lambda: administrator.compare_s(alice, "sn", b"other"))
step("compare, no value", lambda: administrator.compare_s(alice, "title", b"x"))
step("compare, no entry", lambda: administrator.compare_s("uid=x," + people, "sn", b"x"))
step("add as anonymous", lambda: add(anonymous, "cn=p," + scratch, objectClass=[b"device"], cn=[b"p"]))
step("add", lambda: add(administrator, "cn=p," + scratch, objectClass=[b"device"], cn=[b"p"], description=[b"a", b"b"]))
step("add twice", lambda: add(administrator, "cn=p," + scratch, objectClass=[b"device"], cn=[b"p"]))
step("add without a parent", lambda: add(administrator, "cn=q,cn=r," + scratch, objectClass=[b"device"], cn=[b"q"]))
step("add without a class", lambda: add(administrator, "cn=q," + scratch, cn=[b"q"]))
step("modify", lambda: administrator.modify_s("cn=p," + scratch, [
    (ldap.MOD_ADD, "description", [b"c"]), (ldap.MOD_DELETE, "description", [b"a"]),
    (ldap.MOD_REPLACE, "serialNumber", [b"1", b"2"])])[0])
step("modify: a value twice", lambda: administrator.modify_s("cn=p," + scratch, [(ldap.MOD_ADD, "description", [b"C"])]))
step("modify: no such value", lambda: administrator.modify_s("cn=p," + scratch, [(ldap.MOD_DELETE, "l", None)]))
step("modify: increment", lambda: administrator.modify_s("cn=e0001,ou=many," + base, [
    (ldap.MOD_INCREMENT, "uidNumber", [b"5"])])[0])
step("modify: one's own", lambda: connect(alice, "alicepw-1").modify_s(alice, [
    (ldap.MOD_REPLACE, "description", ["schön".encode()])])[0])
step("modify: another's", lambda: connect(alice, "alicepw-1").modify_s("uid=bob," + people, [
    (ldap.MOD_REPLACE, "description", [b"no"])]))
step("what was modified", lambda: search(administrator, "cn=p," + scratch))
step("rename", lambda: administrator.rename_s("cn=p," + scratch, "cn=P2", delold=1)[0])
step("rename upon another", lambda: administrator.rename_s("cn=P2," + scratch, "cn=alias", "ou=referrals," + base))
step("move", lambda: administrator.rename_s("cn=P2," + scratch, "cn=P2", people, delold=0)[0])
step("after the move", lambda: search(administrator, base, filter="(cn=p2)"))
step("delete with children", lambda: administrator.delete_s(people))
step("delete", lambda: administrator.delete_s("cn=P2," + people)[0])
step("delete twice", lambda: administrator.delete_s("cn=P2," + people))
step("a control that is unknown", lambda: search(anonymous, people, serverctrls=[
    ldap.controls.RequestControl("1.2.3.4", True, None)]))
step("an operation that is unknown", lambda: str(administrator.extop_s(ldap.extop.ExtendedRequest("1.2.3.4", None))))
step("password modify", lambda: str(administrator.passwd_s("uid=bob," + people, None, "new-1")))
step("the old password", lambda: connect("uid=bob," + people, "bobpw-1").whoami_s())
step("the new password", lambda: connect("uid=bob," + people, "new-1").whoami_s())
step("a referral", lambda: search(anonymous, "cn=elsewhere,ou=referrals," + base))
step("references", lambda: search(anonymous, "ou=referrals," + base, attributes=["cn"]))
step("an alias", lambda: search(anonymous, "cn=alias,ou=referrals," + base, ldap.SCOPE_BASE, attributes=["cn"]))
anonymous.unbind_s()
administrator.unbind_s()
print(json.dumps(answers))
