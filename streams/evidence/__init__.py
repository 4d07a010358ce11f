"""Evidence: three sources judge every changed student of a batch, in parallel."""
