# Drives an LDAP server with Net::LDAP, and prints what it answered: one JSON object, step by step.
# Arguments: the URL of the server, the base, the administrator's name and password.
use strict;
use warnings;
use utf8;
use JSON::PP;
use Scalar::Util qw(blessed);
use Net::LDAP;
use Net::LDAP::Constant qw(LDAP_CONTROL_PAGED);
use Net::LDAP::Control::Paged;
use Net::LDAP::Extension::WhoAmI;
use Net::LDAP::Extension::SetPassword;

my ($url, $base, $admin, $password) = @ARGV;
my $people = "ou=people,$base";
my $scratch = "ou=scratch,$base";
my $alice = "uid=alice,$people";
my %answers;

sub connection {
  my ($who, $secret) = @_;
  my $ldap = Net::LDAP->new($url, raw => qr/^jpegPhoto$/i) or die "no connection: $@";
  $ldap->bind($who, password => $secret) if defined $who;
  return $ldap;
}

sub facts {
  my ($result) = @_;
  my %facts = (code => $result->code, matched => $result->{matchedDN} // '');
  if ($result->isa('Net::LDAP::Search')) {
    $facts{entries} = [
      sort { $a->[0] cmp $b->[0] } map {
        my $entry = $_;
        [$entry->dn, map { [$_, sort $entry->get_value($_)] } sort $entry->attributes]
      } $result->entries
    ];
    $facts{references} = [sort $result->references];
  }
  return \%facts;
}

sub step { my ($name, $result) = @_; $answers{$name} = blessed $result ? facts($result) : $result }

sub pages {
  my ($ldap, $size) = @_;
  my $page = Net::LDAP::Control::Paged->new(size => $size);
  my @sizes;
  while (1) {
    my $found = $ldap->search(base => "ou=many,$base", filter => '(cn=*)', attrs => ['cn'], control => [$page]);
    push @sizes, [scalar $found->entries, $found->code];
    my ($answer) = $found->control(LDAP_CONTROL_PAGED) or last;
    my $cookie = $answer->cookie or last;
    last if $found->code;
    $page->cookie($cookie);
  }
  return \@sizes;
}

my $nobody = connection();
my $somebody = connection($admin, $password);

step('bind', $somebody->bind($admin, password => $password));
step('bind: wrong password', connection()->bind($admin, password => 'wrong'));
step('bind: no password', connection()->bind($admin, password => ''));
step('bind: version 2', connection()->bind($admin, password => $password, version => 2));
step('who nobody is', $nobody->who_am_i->response);
step('who alice is', connection($alice, 'alicepw-1')->who_am_i->response);
step('search', $nobody->search(base => $people, filter => '(objectClass=inetOrgPerson)'));
step('search: attributes', $nobody->search(base => $people, filter => '(sn=*)', attrs => ['cn', 'MAIL']));
step('search: operational', $nobody->search(base => $alice, scope => 'base', filter => '(uid=*)',
  attrs => ['structuralObjectClass', 'hasSubordinates', 'entryDN', 'creatorsName']));
step('search: none', $nobody->search(base => $people, filter => '(sn=nobody)'));
step('search: approximately', $nobody->search(base => $people, filter => '(sn~=example)', attrs => ['1.1']));
step('search: extensible', $nobody->search(base => $people, filter => '(sn:caseExactMatch:=Example)', attrs => ['1.1']));
step('search: in the name', $nobody->search(base => $base, filter => '(ou:dn:=groups)', attrs => ['cn']));
step('search: size limit', $nobody->search(base => "ou=many,$base", filter => '(cn=*)', sizelimit => 4, attrs => ['1.1']));
step('search: no base', $nobody->search(base => "ou=x,$base", filter => '(cn=*)'));
step('search: an unknown attribute', $nobody->search(base => $people, filter => '(noSuchAttribute=1)', attrs => ['1.1']));
step('search: not an unknown attribute', $nobody->search(base => $people, filter => '(!(noSuchAttribute=1))', attrs => ['1.1']));
step('search: a continuation', $nobody->search(base => "ou=referrals,$base", filter => '(cn=*)', attrs => ['cn']));
step('search: dereferenced', $nobody->search(base => "ou=referrals,$base", filter => '(uid=alice)', deref => 'always', attrs => ['uid']));
step('pages', pages($somebody, 400));
step('compare', $somebody->compare($alice, attr => 'uid', value => 'ALICE'));
step('compare: false', $somebody->compare($alice, attr => 'uid', value => 'bob'));
step('add', $somebody->add("cn=Öre \\, Ö,$scratch", attrs => [objectClass => 'device', cn => 'Öre , Ö', serialNumber => ['7', '8']]));
step('add again', $somebody->add("CN=öre \\2C ö,$scratch", attrs => [objectClass => 'device', cn => 'öre , ö']));
step('add: an empty value', $somebody->add("cn=empty,$scratch", attrs => [objectClass => 'device', cn => 'empty', description => '']));
step('modify', $somebody->modify("cn=Öre \\, Ö,$scratch", add => { description => 'x' }, delete => { serialNumber => ['7'] }));
step('modify: no entry', $somebody->modify("cn=none,$scratch", add => { description => 'x' }));
step('modify: the name', $somebody->modify("cn=Öre \\, Ö,$scratch", delete => { cn => ['Öre , Ö'] }));
step('modify: as nobody', $nobody->modify($alice, add => { description => 'x' }));
step('moddn', $somebody->moddn("cn=Öre \\, Ö,$scratch", newrdn => 'cn=two+serialNumber=9', deleteoldrdn => 1));
step('after moddn', $somebody->search(base => $scratch, filter => '(objectClass=device)'));
step('set password', $somebody->set_password(user => "uid=carol,$people", newpasswd => 'changed'));
step('bind: the old password', connection()->bind("uid=carol,$people", password => 'carolpw-1'));
step('bind: the new password', connection()->bind("uid=carol,$people", password => 'changed'));
step('delete', $somebody->delete("cn=two+serialNumber=9,$scratch"));
step('delete again', $somebody->delete("cn=two+serialNumber=9,$scratch"));
$nobody->unbind;
$somebody->unbind;
print JSON::PP->new->canonical->utf8->encode(\%answers);
