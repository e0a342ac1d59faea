"""The limits of projects and accounts, as the use cases read them."""

from collections.abc import Mapping

from video_pipeline.pipeline.policies import PROJECT_MINUTES, Limits
from video_pipeline.settings.form import LimitsForm, PipelineForm


def read_limits(form: PipelineForm) -> Limits:
    """What a day may cost."""
    of_each = form.limits.paid_minutes_per_day
    return Limits(
        paid_minutes_per_day=PROJECT_MINUTES if of_each is None else of_each,
        projects=_said({name: one.limits for name, one in form.projects.items()}),
        providers=_said({name: one.limits for name, one in form.providers.items()}),
    )


def _said(limits: Mapping[str, LimitsForm]) -> dict[str, float]:
    return {
        name: one.paid_minutes_per_day
        for name, one in limits.items()
        if one.paid_minutes_per_day is not None
    }
