"""What an operator runs beside the workers: doctor, verify, repair, dead letters."""
