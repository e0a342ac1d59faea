"""Findings of the checks, and how AWS's refusals become findings."""

# pyright: reportMissingTypeStubs=false

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from video_pipeline.aws.errors import UNFIT, Cause, failures, fault_of
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.providers.aws.session import AwsOptions

if TYPE_CHECKING:
    from video_pipeline.aws.clients import Clients

_ATTEMPTS = 2

# Detail and remedy by error code; None where another check reports it.
Known = Mapping[str, tuple[str, str] | None]


@dataclass(frozen=True, slots=True)
class Checked:
    """One finding; with `missing` the entry does not work, with `warning` it works less well."""

    subject: str
    level: Literal["ok", "warning", "missing"]
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Entry:
    """A provider entry of AWS, and its ingest bucket."""

    name: str
    options: AwsOptions
    ingest: str | None
    """The ingest bucket; None where videos arrive in a folder."""

    def client(self, service: str, endpoint: str | None = None) -> Any:
        """Return a client with the entry's credentials. Raises ConfigurationError."""
        return self._clients.client(service, endpoint, _ATTEMPTS)

    def option(self, name: str) -> Any:
        """Return an option that only some plugins have, else None."""
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
    """Yield the findings of a check. An error is a finding, too: by its code in `known`, or a
    missing right, which is only a warning unless `needed` by the pipeline."""
    try:
        yield from check()
    except (*failures(), *UNFIT) as error:
        fault = fault_of(error)
        if known and fault.code in known:
            told = known[fault.code]
            yield from [Checked(subject, "missing", *told)] if told else ()
        elif fault.cause is Cause.DENIED or (fault.cause is Cause.KMS and fault.code[:3] != "KMS"):
            yield _denied(subject, right, needed)
        elif fault.code or fault.operation:
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
    return Checked(subject, "warning", f"cannot be checked: {right} is denied", remedy)
