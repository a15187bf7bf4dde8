#!/usr/bin/env python3
"""Every rule of simulation.md, the result's JSON and the strategy API, seen from outside: through the command only.

usage: rules.py ENGINE SHARED [WORD]    TAP on standard output; SHARED: the folder of shared data; WORD picks the cases whose name holds it"""
import harness
import rules_match  # noqa: F401  each registers its cases
import rules_api  # noqa: F401
import rules_compat  # noqa: F401
import rules_contract  # noqa: F401
import rules_costs  # noqa: F401
import rules_mixed  # noqa: F401

harness.main()
