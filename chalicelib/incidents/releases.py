"""Releases: which of two is older, by semantic versioning, in the spellings `1.2.3`, `v1.2.3` and `app@1.2.3`."""


def older(release: str | None, than: str | None) -> bool:
    """Whether `release` is surely older than `than`. False where the order cannot be told."""
    if not release or not than:
        return False
    package, _, version = release.rpartition("@")
    other_package, _, other_version = than.rpartition("@")
    if package and other_package and package != other_package:
        return False
    # Reports start faster without this import, and few ever need it.
    from semver import Version

    try:
        return Version.parse(version.removeprefix("v"), optional_minor_and_patch=True) < Version.parse(
            other_version.removeprefix("v"), optional_minor_and_patch=True
        )
    except ValueError:
        return False
