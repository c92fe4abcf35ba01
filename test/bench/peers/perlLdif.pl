# Net::LDAP::LDIF: parses and writes a file of LDIF. `perl perlLdif.pl TASK FILE`; CPU microseconds and records, as JSON.
use strict;
use warnings;
use Net::LDAP::LDIF;

my ($task, $path) = @ARGV;

sub parsed {
  my $ldif = Net::LDAP::LDIF->new($path, "r", onerror => "die", change => 0);
  my @records = $ldif->read;
  return \@records;
}

sub written {
  my $ldif = Net::LDAP::LDIF->new("/dev/null", "w", onerror => "die", change => 0, wrap => 76);
  $ldif->write_entry(@{$_[0]});
  $ldif->done;
}

sub cpu {
  my ($user, $system) = times;
  return $user + $system;
}

my $records = parsed();
my $before = cpu();
$task eq "LDIF parsed" ? parsed() : written($records);
printf "{\"micros\": %.0f, \"items\": %d}\n", (cpu() - $before) * 1e6, scalar @$records;
