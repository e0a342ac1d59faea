"""What a check finds, what it looks through, and how AWS's refusals become findings."""

# pyright: reportMissingTypeStubs=false

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from video_pipeline.aws.errors import Cause, failures, fault_of
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.providers.aws.session import AwsOptions

if TYPE_CHECKING:
    from video_pipeline.aws.clients import Clients

_ATTEMPTS = 2

Known = Mapping[str, tuple[str, str] | None]
"""What an error's code means: detail and remedy, or None where another check tells of it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One finding; with `missing` the entry does not work, with `warning` it works less well."""

    subject: str
    level: Literal["ok", "warning", "missing"]
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Entry:
    """A provider entry of AWS, and where its videos lie."""

    name: str
    options: AwsOptions
    ingest: str | None
    """The ingest bucket; None where videos arrive in a folder."""

    def client(self, service: str, endpoint: str | None = None) -> Any:
        """A client with the entry's credentials and region. Raises ConfigurationError."""
        return self._clients.client(service, endpoint, _ATTEMPTS)

    def option(self, name: str) -> Any:
        """An option that only some of the plugins have; None where this one has it not."""
        return getattr(self.options, name, None)

    @cached_property
    def _clients(self) -> "Clients":
        from video_pipeline.aws.clients import Clients

        return Clients(self.options, f"providers.{self.name}")


def look(
    subject: str,
    right: str,
    check: Callable[[], Iterator[Checked]],
    known: Known | None = None,
    *,
    needed: bool = True,
) -> Iterator[Checked]:
    """What a check finds. An error answer is one more finding: what its code says in `known`,
    or that the right is lacking, which is no more than a warning where only this check needs it."""
    try:
        yield from check()
    except failures() as error:
        fault = fault_of(error)
        if known and fault.code in known:
            told = known[fault.code]
            yield from [Checked(subject, "missing", *told)] if told else ()
        elif fault.cause in (Cause.DENIED, Cause.KMS):
            yield _denied(subject, right, needed)
        elif fault.code:
            told = f"{fault.code}: {fault.said}".strip(": ")
            yield Checked(subject, "missing", told, "See docs/providers/aws.md.")
        elif fault.cause is Cause.NO_CREDENTIALS:
            remedy = "Log in, set AWS_PROFILE, or name `profile` or `role` in the entry."
            yield Checked(subject, "missing", fault.said, remedy)
        else:
            remedy = "Look at the network, and at `endpoint` or AWS_ENDPOINT_URL_*."
            yield Checked(subject, "missing", f"AWS cannot be asked: {fault.said}", remedy)
    except ConfigurationError as error:
        yield Checked(subject, "missing", error.what, error.remedy)


def _denied(subject: str, right: str, needed: bool) -> Checked:
    if needed:
        return Checked(subject, "missing", f"{right} is denied", f"Allow {right} in its policy.")
    allowed = "the entry's `role`, or without one to whoever runs this check"
    remedy = f"Allow {right} to {allowed}; the pipeline itself does without."
    return Checked(subject, "warning", f"cannot be looked at: {right} is denied", remedy)
