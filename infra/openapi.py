"""The API's description of itself, as `GET /openapi.json` answers it, without a stack that answers.

`python -m infra.openapi > web/console/openapi.json` writes what the console's client is generated from.
"""

import importlib
import json
import os
import sys

from chalicelib.config import LAPTOP_STAGE
from infra import local


def main() -> int:
    """Print the description; returns the exit status."""
    stage = local.settings()["stages"][LAPTOP_STAGE]
    os.environ |= stage["environment_variables"] | {"AWS_DEFAULT_REGION": "us-east-1"}
    # Only now: the app reads its configuration when it is imported.
    app = importlib.import_module("app").app
    from chalicelib.about.openapi import document

    json.dump(document(app), sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
