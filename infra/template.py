"""The template: what a deployment consists of, read from `template.yaml`.

`python -m infra.template` prints what `chalice package --merge-template` would write, without building the package:
the form that cfn-lint can check.
"""

from typing import Any

import yaml

from infra.local import PROJECT

PATH = PROJECT / "infra/template.yaml"


class _Loader(yaml.CSafeLoader):
    """Reads `!Sub x` as `{"Fn::Sub": "x"}`, the form of JSON templates, as Chalice does when it merges."""


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            raise yaml.constructor.ConstructorError(None, None, f"!{suffix} takes no mapping here", node.start_mark)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {"Ref" if suffix == "Ref" else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def load() -> dict[str, Any]:
    """The template as data, with intrinsic functions in their long form."""
    template: dict[str, Any] = yaml.load(PATH.read_text(), _Loader)  # noqa: S506 - it is a SafeLoader
    return template


def merged(stage: str) -> dict[str, Any]:
    """The template of a package: what Chalice makes of app.py for `stage`, with ours merged over it."""
    # Packaging is slow to import, and only this needs it.
    import botocore.session
    from chalice.awsclient import TypedAWSClient
    from chalice.cli.factory import CLIFactory
    from chalice.deploy import models
    from chalice.deploy.appgraph import ApplicationGraphBuilder, DependencyBuilder
    from chalice.deploy.deployer import create_build_stage
    from chalice.deploy.swagger import CFNSwaggerGenerator
    from chalice.package import PackageOptions, SAMTemplateGenerator, TemplateDeepMerger
    from chalice.utils import UI, OSUtils

    config = CLIFactory(str(PROJECT), environ={}).create_config_obj(stage)
    application = ApplicationGraphBuilder().build(config, stage)
    resources = DependencyBuilder().build_dependencies(application)
    for resource in resources:
        if isinstance(resource, models.DeploymentPackage):
            resource.filename = "deployment.zip"  # named already, it is not built
    create_build_stage(OSUtils(), UI(), CFNSwaggerGenerator(), config).execute(config, resources)
    session = botocore.session.Session()
    session.set_config_variable("region", "us-east-1")
    made = SAMTemplateGenerator(config, PackageOptions(TypedAWSClient(session))).generate(resources)
    template: dict[str, Any] = TemplateDeepMerger().merge(load(), made)
    return template


if __name__ == "__main__":
    from chalice.utils import serialize_to_json

    print(serialize_to_json(merged("prod")))
