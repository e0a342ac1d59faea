"""Which providers of an order can serve a request, and why the others cannot."""

from collections.abc import Callable, Mapping, Sequence

from video_pipeline.domain.values import Frozen
from video_pipeline.plugins.base import AnalysisRequest, Plugin, Refusal


class Verdict(Frozen):
    """Whether a provider stays in the order, and the reason."""

    provider: str
    kept: bool
    reason: str


def rank(
    order: Sequence[str],
    plugins: Mapping[str, Plugin],
    request: Callable[[Plugin], AnalysisRequest],
) -> tuple[Verdict, ...]:
    """Return a verdict on each provider of the order. `request` returns what it would be asked."""
    return tuple(_judge(name, plugins.get(name), request) for name in order)


def _judge(
    name: str, plugin: Plugin | None, request: Callable[[Plugin], AnalysisRequest]
) -> Verdict:
    if plugin is None:
        return Verdict(provider=name, kept=False, reason="is not available in this run")
    try:
        plan = plugin.plan(request(plugin))
    except Exception as error:  # noqa: BLE001 - a plugin's bug must not end the others
        reason = f"broke while planning: {type(error).__name__}: {error}"
        return Verdict(provider=name, kept=False, reason=reason)
    if isinstance(plan, Refusal):
        return Verdict(provider=name, kept=False, reason=plan.reason)
    return Verdict(provider=name, kept=True, reason="serves the request")
