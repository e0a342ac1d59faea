"""How a phase's spec becomes an asset, its checks and its table in Dagster."""

import warnings
from collections.abc import Iterable

import dagster as dg

from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.partitions import VIDEOS
from video_pipeline.domain.phases import PHASES, Phase

# Dagster lists groups by the alphabet. The numbers make that the way of a video.
_GROUPS = {
    group: f"{number}_{group}"
    for number, group in enumerate(dict.fromkeys(spec.group for spec in PHASES.values()), 1)
}
# The kind of an asset that no project has a provider for. Dagster allows no space in it.
_NOT_CONFIGURED = "not-configured"


def asset_spec(phase: Phase, *, configured: bool = True) -> dg.AssetSpec:
    """Return the asset of a phase. It is skippable: a parked phase yields nothing."""
    spec, columns = PHASES[phase], table_schema(phase)
    why = f"Not configured: no project names a provider for {phase}. Name one in pipeline.yaml."
    return dg.AssetSpec(
        asset_key(phase),
        deps=[asset_key(needed) for needed in spec.needs],
        skippable=True,
        description=spec.description if configured else f"{why}\n\n{spec.description}",
        group_name=_GROUPS[spec.group],
        kinds={spec.technology if configured else _NOT_CONFIGURED},
        owners=["team:video"],
        metadata={"dagster/column_schema": columns} if columns else {},
    )


def check_specs(phases: Iterable[Phase]) -> list[dg.AssetCheckSpec]:
    """Return the checks of these phases, each evaluated for the video of its run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            dg.AssetCheckSpec(
                check.name,
                asset=asset_key(phase),
                description=check.description,
                partitions_def=VIDEOS,
            )
            for phase in phases
            for check in PHASES[phase].checks
        ]


def table_schema(phase: Phase) -> dg.TableSchema | None:
    """Return the columns of what a phase finds, or None where that is no table."""
    columns = [
        dg.TableColumn(column.name, column.type, description=column.description)
        for column in PHASES[phase].columns
    ]
    return dg.TableSchema(columns=columns) if columns else None
