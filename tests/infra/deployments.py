"""Deployments for tests: a package that takes no packaging, of a template that is quickly deployed.

`python -m tests.infra.deployments TEMPLATE STAGE Name=value ...` is `make deploy` with it, in a process of its own.
"""

import copy
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra import deploy, package, template

# What is held until somebody signals, as a deployment takes its time.
HELD = {
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle", "Properties": {}},
    "Held": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": "Answers",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60"},
    },
}


def small(**resources: Any) -> dict[str, Any]:
    """A template with our parameters, a table and a bucket of ours, and more resources."""
    ours = copy.deepcopy(template.load())
    kept = {name: ours["Resources"][name] for name in ("Answers", "EventsBucket")}
    return {
        **{part: ours[part] for part in ("Parameters", "Conditions", "Rules")},
        "Resources": kept | resources,
        "Outputs": {
            "Url": {"Value": {"Fn::Sub": "https://example.com/${Stage}"}},
            "Dsn": {"Value": {"Ref": "IngestKey"}},
            "Secret": {"Value": {"Ref": "StorageSecretAccessKey"}},
        },
    }


def packaged(of: dict[str, Any]) -> Callable[[Path], package.Package]:
    """What makes a package of a template, whose code is empty."""

    def build(directory: Path) -> package.Package:
        code, layer = directory / "code-0.zip", directory / "ffmpeg-0.zip"
        for file in (code, layer):
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr(zipfile.ZipInfo("app.py"), "")
        return package.Package(code, layer, of)

    return build


if __name__ == "__main__":
    setattr(package, "build", packaged(json.loads(Path(sys.argv[1]).read_text())))  # noqa: B010 - mypy's say
    sys.exit(deploy.main(sys.argv[2:]))
