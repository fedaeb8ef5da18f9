"""Scenes of the demo, one of each area: played with the areas' own functions, and each clears away what it left before.

Modules here read the hub's configuration when they are imported.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scene:
    """What happened, for a person, and where to look: paths of the API, each with what it shows."""

    account: str
    look: tuple[tuple[str, str], ...]
