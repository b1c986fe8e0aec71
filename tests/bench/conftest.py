"""Benches take minutes and the whole machine: collected when asked for, by `make bench` or FABLAB_BENCH=1."""

from tests.asked_for import is_left_out

collect_ignore_glob = ["test_*.py"] if is_left_out("bench") else []
