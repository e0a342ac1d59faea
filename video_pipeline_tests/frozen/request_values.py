"""Frozen values of requests to providers: requests, choices, plugins, tokens, jobs."""

import dataclasses
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from video_pipeline.aws.versions import version_of
from video_pipeline.domain.fair_turns import account_name, paid_seconds
from video_pipeline.domain.phases import SERVED
from video_pipeline.domain.work import (
    choice_hash,
    unit_id,
)
from video_pipeline.pipeline.admission.backlog import pool_of
from video_pipeline.pipeline.analysis.failure_limit import counting_key
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.selection.choice import ProjectProviders, choice_of
from video_pipeline.plugins import registry
from video_pipeline.plugins.base import Jobs, Plugin
from video_pipeline.plugins.inputs import ObjectRef
from video_pipeline.providers.aws.rekognition.analyses import jobs_of
from video_pipeline.providers.aws.rekognition.calls import Calls
from video_pipeline.providers.aws.rekognition.plugin import RekognitionPlugin
from video_pipeline.providers.aws.rekognition.source import pinned
from video_pipeline.providers.aws.transcribe.objects import There
from video_pipeline.providers.aws.transcribe.plugin import TranscribePlugin
from video_pipeline.providers.aws.transcribe.request import job_request
from video_pipeline.providers.local.models import known as known_models
from video_pipeline.wiring import create_plugins
from video_pipeline_tests.frozen.doubles import NOW, Aws
from video_pipeline_tests.frozen.samples import (
    CONTENT,
    GENERATIONS,
    MEDIA,
    OBJECT_KEY,
    planned,
    settings,
    work_unit,
)

REQUIRED = "(required)"


def requests() -> list[dict[str, Any]]:
    """Return work requests in canonical form, with the digest, units, usage and pool of each."""
    return [
        {
            "request": one.request.model_dump(mode="json"),
            "digest": one.request.digest,
            "units": [unit_id(one.request, generation) for generation in GENERATIONS],
            "choice": {p: choice_of(one.plugin, p, language) for p in one.request.phases},
            "options": one.plugin.options.model_dump(mode="json"),
            "planned": [usage.model_dump(mode="json") for usage in one.usage],
            "pool": pool_of(one.plugin, one.request),
            "account": account_name(one.request),
            "paid seconds": str(paid_seconds(one.usage)),
        }
        for _, language, one in planned(create_plugins(settings()))
    ]


def choices() -> dict[str, Any]:
    """Return the hashes of choices: they decide which results are stale and which phases dead."""
    plugins, chosen = create_plugins(settings()), settings().choices
    orders = {phase: (*chosen.of("acme", phase).providers, "unknown") for phase in SERVED}
    providers = ProjectProviders("acme", chosen, plugins, orders)
    return {
        "of the pipeline itself": [own_results.PROVIDER, own_results.VERSION, own_results.CHOICE],
        "with other text": choice_hash("ß 1", "m", {"b": ["ü", 1, 0.5, None], "a": True}),
        "by entry": {
            name: {
                f"{phase}, {language}": choice_of(plugin, phase, language)
                for phase in SERVED
                for language in (None, "de")
            }
            for name, plugin in plugins.items()
        },
        "failures are counted against": {
            phase: counting_key(providers, phase, CONTENT) for phase in SERVED
        },
    }


def plugins() -> dict[str, Any]:
    """Return the names of plugins, and their options with the defaults."""
    installed = {g: registry.names(g) for g in (registry.TEMPORAL, registry.TRANSCRIPTION)}
    classes = {name: registry.declared(name) for names in installed.values() for name in names}
    return {
        "groups": {group: list(names) for group, names in installed.items()},
        "declared": {
            name: {
                "name": plugin.name,
                "version": plugin.version,
                "operation": plugin.operation,
                "options": _options(plugin.Options),
            }
            for name, plugin in classes.items()
        },
        "by entry": {
            name: {
                "kinds": list(plugin.capabilities().kinds),
                "replay": plugin.capabilities().replay,
                "meter": plugin.capabilities().meter.model_dump(mode="json"),
                "model": plugin.model,
                "account": plugin.account,
                "region": plugin.region,
                "slots": _slots(plugin),
            }
            for name, plugin in create_plugins(settings()).items()
        },
        "models": {name: model.revision for name, model in known_models().items()},
    }


def _options(options: type[BaseModel]) -> dict[str, Any]:
    return {
        name: {
            "default": REQUIRED
            if field.is_required()
            else field.get_default(call_default_factory=True),
            "in the request": not field.exclude,
        }
        for name, field in sorted(options.model_fields.items())
    }


def _slots(plugin: Plugin) -> Any:
    slots = plugin.slots(plugin.operation) if isinstance(plugin, Jobs) else None
    return slots.model_dump() if slots else None


def aws() -> dict[str, Any]:
    """Return the requests to AWS (tokens, tags, job names, outputs), and the values read back."""
    started: dict[str, Any] = {}
    transcribed: dict[str, Any] = {}
    uri = f"s3://deliveries/{OBJECT_KEY}"
    for name, language, one in planned(create_plugins(settings())):
        unit, plugin = work_unit(one.request, one.usage), one.plugin
        label = f"{name}, {one.request.operation}, {language}"
        if isinstance(plugin, RekognitionPlugin):
            for version in ("v1", "etag:e1:1000000"):
                session: Any = Aws(plugin.region)
                job = Calls(plugin.options, session).start(unit, ObjectRef(uri, version))
                started[f"{label}, {version}"] = [job, *session.asked]
        elif isinstance(plugin, TranscribePlugin):
            there = There(uri, "v1", "e1", NOW)
            transcribed[label] = job_request(plugin.options, unit, MEDIA, there)
    tag = {"JobTag": "acme/trailer/1/etag:e1", "Video": {"S3Object": {"Bucket": "b", "Name": "k"}}}
    told = {"JobId": "5a", "Status": "SUCCEEDED"}
    return {
        "rekognition": started,
        "transcribe": transcribed,
        "pinned by a tag": dataclasses.asdict(found) if (found := pinned(tag)) else None,
        "jobs of a message": {
            api: list(jobs_of({**told, "API": api}))
            for api in ("StartLabelDetection", "LABEL_DETECTION", "StartContentModeration", "")
        },
        "versions": [
            version_of("3sL4k", '"e1"', 5), version_of("null", '"e1"', 5), version_of(None, "e1", 0)
        ],
    }  # fmt: skip


REQUEST_GROUPS: dict[str, Callable[[], Any]] = {
    "requests": requests,
    "choices": choices,
    "plugins": plugins,
    "aws": aws,
}
