"""Benchmarks: what handflow costs and how well it does on this machine, peers beside it where they are."""
