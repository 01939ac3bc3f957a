"""Model: a JSON file with the comparisons, their weights, the thresholds, and how the weights are learned.

The part `splink` is a settings dictionary of Splink 5 (https://moj-analytical-services.github.io/splink/),
the rest is ours. The file stands beside the SQL whose columns it compares, and is rules like any CSV there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.trouble import Trouble

KEYS = {"why", "thresholds", "training", "splink"}


@dataclass(frozen=True)
class MatchingModel:
    """What decides a pair.

    join: pairs of at least this probability become one person without asking.
    review: pairs of at least this one are shown to a person.
    """

    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> MatchingModel:
        """Read a model file.

        Raises:
            Trouble: the file is absent, no JSON, or lacks a part.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Trouble(f"{path} holds no matching model: {error}") from error
        missing = sorted(KEYS - set(content))
        if missing:
            raise Trouble(f"{path} lacks {', '.join(missing)}: take the file of the repository as a pattern")
        model = cls(content)
        if not 0 < model.review <= model.join <= 1:
            raise Trouble(f"{path}: thresholds must keep 0 < review <= join <= 1")
        return model

    @property
    def join(self) -> float:
        return float(self.content["thresholds"]["join"])

    @property
    def review(self) -> float:
        return float(self.content["thresholds"]["review"])

    @property
    def largest_person(self) -> int:
        """How many people of the exact rules may become one unasked."""
        return int(self.content["thresholds"]["largest_person"])

    @property
    def training(self) -> dict[str, Any]:
        return self.content["training"]

    @property
    def splink(self) -> dict[str, Any]:
        return self.content["splink"]

    @property
    def comparisons(self) -> list[str]:
        """Names of the comparisons, in the order of the file."""
        return [comparison["output_column_name"] for comparison in self.splink["comparisons"]]

    def expected(self, comparison: str) -> tuple[dict[str, float], float]:
        """What one person's records should show by the file (level -> share), and how much that counts.

        0: only what training sees counts; 1: training is not asked.
        """
        wanted = self.training.get("expected", {}).get(comparison)
        return (wanted["levels"], float(wanted["share"])) if wanted else ({}, 0.0)

    def labels(self) -> dict[tuple[str, int], str]:
        """(comparison, level as Splink counts it: the last is 0) -> the level's word."""
        found = {}
        for comparison in self.splink["comparisons"]:
            levels = comparison["comparison_levels"]
            telling = [level for level in levels if not level.get("is_null_level")]
            for place, level in enumerate(telling):
                value = len(telling) - 1 - place
                found[comparison["output_column_name"], value] = level["label_for_charts"]
        return found

    def with_splink(self, settings: dict[str, Any]) -> MatchingModel:
        """The same model with other weights."""
        return MatchingModel(self.content | {"splink": settings})

    def write(self, path: Path) -> None:
        """Write the file; weights are rounded so that a retraining on the same rows changes no byte."""
        path.write_text(
            json.dumps(self.content, ensure_ascii=False, indent=2) + "\n",
            encoding="utf-8",
        )
