"""The dashboard in a real browser, on running workers: `make browser`. Not part of `make test`: it needs Chromium."""
