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

my $anonymous = connection();
my $administrator = connection($admin, $password);

step('bind', $administrator->bind($admin, password => $password));
step('bind: wrong password', connection()->bind($admin, password => 'wrong'));
step('bind: no password', connection()->bind($admin, password => ''));
step('bind: version 2', connection()->bind($admin, password => $password, version => 2));
step('who anonymous is', $anonymous->who_am_i->response);
step('who alice is', connection($alice, 'alicepw-1')->who_am_i->response);
step('search', $anonymous->search(base => $people, filter => '(objectClass=inetOrgPerson)'));
step('search: attributes', $anonymous->search(base => $people, filter => '(sn=*)', attrs => ['cn', 'MAIL']));
step('search: operational', $anonymous->search(base => $alice, scope => 'base', filter => '(uid=*)',
  attrs => ['structuralObjectClass', 'hasSubordinates', 'entryDN', 'creatorsName']));
step('search: none', $anonymous->search(base => $people, filter => '(sn=none)'));
step('search: approximately', $anonymous->search(base => $people, filter => '(sn~=example)', attrs => ['1.1']));
step('search: extensible', $anonymous->search(base => $people, filter => '(sn:caseExactMatch:=Example)', attrs => ['1.1']));
step('search: in the name', $anonymous->search(base => $base, filter => '(ou:dn:=groups)', attrs => ['cn']));
step('search: size limit', $anonymous->search(base => "ou=many,$base", filter => '(cn=*)', sizelimit => 4, attrs => ['1.1']));
step('search: no base', $anonymous->search(base => "ou=x,$base", filter => '(cn=*)'));
step('search: an unknown attribute', $anonymous->search(base => $people, filter => '(noSuchAttribute=1)', attrs => ['1.1']));
step('search: not an unknown attribute', $anonymous->search(base => $people, filter => '(!(noSuchAttribute=1))', attrs => ['1.1']));
step('search: a continuation', $anonymous->search(base => "ou=referrals,$base", filter => '(cn=*)', attrs => ['cn']));
step('search: dereferenced', $anonymous->search(base => "ou=referrals,$base", filter => '(uid=alice)', deref => 'always', attrs => ['uid']));
step('pages', pages($administrator, 400));
step('compare', $administrator->compare($alice, attr => 'uid', value => 'ALICE'));
step('compare: false', $administrator->compare($alice, attr => 'uid', value => 'bob'));
step('add', $administrator->add("cn=Öre \\, Ö,$scratch", attrs => [objectClass => 'device', cn => 'Öre , Ö', serialNumber => ['7', '8']]));
step('add again', $administrator->add("CN=öre \\2C ö,$scratch", attrs => [objectClass => 'device', cn => 'öre , ö']));
step('add: an empty value', $administrator->add("cn=empty,$scratch", attrs => [objectClass => 'device', cn => 'empty', description => '']));
step('modify', $administrator->modify("cn=Öre \\, Ö,$scratch", add => { description => 'x' }, delete => { serialNumber => ['7'] }));
step('modify: no entry', $administrator->modify("cn=none,$scratch", add => { description => 'x' }));
step('modify: the name', $administrator->modify("cn=Öre \\, Ö,$scratch", delete => { cn => ['Öre , Ö'] }));
step('modify: as anonymous', $anonymous->modify($alice, add => { description => 'x' }));
step('moddn', $administrator->moddn("cn=Öre \\, Ö,$scratch", newrdn => 'cn=two+serialNumber=9', deleteoldrdn => 1));
step('after moddn', $administrator->search(base => $scratch, filter => '(objectClass=device)'));
step('set password', $administrator->set_password(user => "uid=carol,$people", newpasswd => 'changed'));
step('bind: the old password', connection()->bind("uid=carol,$people", password => 'carolpw-1'));
step('bind: the new password', connection()->bind("uid=carol,$people", password => 'changed'));
step('delete', $administrator->delete("cn=two+serialNumber=9,$scratch"));
step('delete again', $administrator->delete("cn=two+serialNumber=9,$scratch"));
$anonymous->unbind;
$administrator->unbind;
print JSON::PP->new->canonical->utf8->encode(\%answers);
