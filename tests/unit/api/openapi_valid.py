#!/usr/bin/env python3
"""The API's description, judged by openapi-spec-validator (PyPI): openapi_valid.py PRINT_OPENAPI. Skipped when it is not installed."""
import json
import subprocess
import sys

try:
    from openapi_spec_validator import OpenAPIV31SpecValidator
except ImportError:
    print("skipped: openapi-spec-validator is not installed (pip install openapi-spec-validator)")
    sys.exit(77)

document = json.loads(subprocess.run([sys.argv[1]], check=True, capture_output=True).stdout)
mistakes = list(OpenAPIV31SpecValidator(document).iter_errors())
for mistake in mistakes:
    print("/".join(str(p) for p in mistake.absolute_path), mistake.message[:300])
operations = [op for item in document["paths"].values() for op in item.values()]
assert operations, "no operations"
for op in operations:
    assert any(status.startswith(("2", "3")) for status in op["responses"]), op["operationId"]
    for response in op["responses"].values():
        assert response["description"], op["operationId"]
print(f"{len(operations)} operations, {len(document['components']['schemas'])} schemas, {len(mistakes)} mistakes")
sys.exit(bool(mistakes))
