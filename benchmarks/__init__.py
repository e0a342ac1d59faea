"""Benchmarks that are kept: `./run bench NAME`. Each prints ratios against a named alternative that
ran on the same machine in the same minutes; none of them is a test."""
