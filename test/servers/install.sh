#!/bin/sh
# Installs servers for the tests, as root on Debian or Ubuntu: sh install.sh slapd ds389 samba kerberos postgres
#
# One call of apt-get for all of them. No package starts a server of its own. Runs at the same time take turns, so this may
# begin while something else is still going on, and a caller that needs the servers calls it again and waits.
set -e
export DEBIAN_FRONTEND=noninteractive
exec 9< "$0"
flock 9

wanted=""
for server; do
  case $server in
    slapd) wanted="$wanted slapd ldap-utils libsasl2-modules" ;;
    # openssl and libnss3-tools put our certificates where NSS looks for them.
    ds389) wanted="$wanted 389-ds-base libsasl2-modules libnss3-tools openssl" ;;
    samba) wanted="$wanted samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind" ;;
    # Programs that the tests drive the directory in memory with.
    ldap-utils | python3-ldap | libnet-ldap-perl) wanted="$wanted $server" ;;
    # OpenLDAP's library in C, for a program of the benchmark.
    libldap) wanted="$wanted libldap-dev gcc libc6-dev" ;;
    # A KDC, slapd's way to it, and what builds and tries clients: the npm package kerberos, MIT's library from Python.
    kerberos)
      wanted="$wanted slapd libsasl2-modules krb5-kdc krb5-admin-server krb5-user libsasl2-modules-gssapi-mit"
      wanted="$wanted libkrb5-dev g++ make python3 python3-gssapi"
      ;;
    # The package makes a cluster of its own in /var, which isn't started.
    postgres) wanted="$wanted postgresql" ;;
    *) echo "no server is called $server" >&2; exit 2 ;;
  esac
done

# Names of packages that aren't there: virtual ones and those of another release count as there is no candidate.
missing=""
for package in $wanted; do
  dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q ' installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

# policy-rc.d is how Debian is told not to start services. One that is there already is the machine owner's.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
case $missing in *slapd*) echo 'slapd slapd/no_configuration boolean true' | debconf-set-selections ;; esac
get() { apt-get -o DPkg::Lock::Timeout=300 "$@" < /dev/null; }
get install -y --no-install-recommends $missing || { get update && get install -y --no-install-recommends $missing; }
