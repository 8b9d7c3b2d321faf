"""What tests share: real daemons, real programs, packets."""
