"""Entries of pipeline.yaml as Dagster resources: defaults, overrides, secrets, keys."""

import json
from decimal import Decimal
from typing import Any, Literal

import dagster as dg
import pytest
from pydantic import BaseModel, Field, SecretStr

from video_pipeline.defs.resources.providers import provider_resource, resource_keys
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.plugins.base import Plugin, PluginOptions
from video_pipeline.plugins.capabilities import Capabilities


class Endpoint(BaseModel):
    """A group of options."""

    region: str = "eu-1"
    timeout: float = 30.0


class VendorOptions(PluginOptions):
    """Options of every kind that plugins have."""

    model: Literal["small", "large"] = Field("small", description="Which network.")
    threshold: float = Field(default=1, ge=0)
    limit: int | None = None
    languages: tuple[str, ...] = ()
    price: Decimal = Decimal("0.10")
    endpoint: Endpoint = Endpoint()
    token: SecretStr | None = None


class VendorPlugin(Plugin):
    """Finds things at a vendor."""

    Options = VendorOptions
    name = "vendor"

    def capabilities(self) -> Capabilities:
        raise NotImplementedError


def opened(given: dict[str, Any], override: dict[str, Any] | None = None) -> VendorOptions:
    """Return the plugin options of a run with this launchpad override."""
    got: list[VendorOptions] = []

    @dg.op(required_resource_keys={"vendor"})
    def use(context: dg.OpExecutionContext) -> None:
        got.append(context.resources.vendor.options)

    @dg.graph
    def uses() -> None:
        use()

    job = uses.to_job(resource_defs={"vendor": provider_resource("eu", VendorPlugin, given)})
    config = {"resources": {"vendor": {"config": override}}} if override else None
    job.execute_in_process(run_config=config)
    return got[0]


@pytest.mark.parametrize(
    ("given", "expected", "why"),
    [
        ({}, {}, "the plugin's own defaults"),
        ({"model": "large"}, {"model": "large"}, "a literal"),
        ({"limit": 3}, {"limit": 3}, "an optional number"),
        ({"languages": ["de", "en"]}, {"languages": ("de", "en")}, "a tuple written as a list"),
        ({"price": "0.25"}, {"price": Decimal("0.25")}, "what Dagster's config has no type for"),
        ({"endpoint": {"region": "us-1"}}, {"endpoint": {"region": "us-1"}}, "one of a group"),
    ],
)
def test_plugin_receives_the_options_as_written(
    given: dict[str, Any], expected: dict[str, Any], why: str
) -> None:
    written = VendorOptions.model_validate(expected)
    assert opened(given) == written, why


def test_choice_is_the_same_as_without_dagster() -> None:
    def plain(options: VendorOptions) -> str:
        return json.dumps(dict(options), default=str)

    assert plain(opened({})) == plain(VendorOptions()), "1.0 and 1 are different texts"


def test_any_option_can_come_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_NUMBER", "3")
    given = {"limit": {"env": "A_NUMBER"}, "endpoint": {"timeout": {"env": "A_NUMBER"}}}
    got = opened(given)
    assert (got.limit, got.endpoint.timeout) == (3, 3.0)


def test_partial_override_keeps_the_other_values() -> None:
    given = {"model": "large", "endpoint": {"region": "us-1", "timeout": 5.0}}
    got = opened(given, {"threshold": 0.9, "endpoint": {"timeout": 7.0}})
    assert got.threshold == 0.9
    assert got.model == "large"
    assert got.endpoint == Endpoint(region="us-1", timeout=7.0)


def test_override_is_validated() -> None:
    with pytest.raises(dg.DagsterInvalidConfigError):
        opened({}, {"model": "huge"})


class TestSecrets:
    def test_value_comes_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VENDOR_TOKEN", "hush")
        token = opened({"token": {"env": "VENDOR_TOKEN"}}).token
        assert token and token.get_secret_value() == "hush"

    def test_only_the_variable_name_is_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VENDOR_TOKEN", "hush")
        resource = provider_resource("eu", VendorPlugin, {"token": {"env": "VENDOR_TOKEN"}})
        shown = json.dumps(resource.get_resource_definition().config_schema.default_value)
        assert "VENDOR_TOKEN" in shown
        assert "hush" not in shown

    def test_literal_secret_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match=r"token is a secret.*\{env: NAME\}"):
            provider_resource("eu", VendorPlugin, {"token": "hush"})

    def test_unset_variable_does_not_affect_other_assets(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("VENDOR_TOKEN", raising=False)
        resource = provider_resource("eu", VendorPlugin, {"token": {"env": "VENDOR_TOKEN"}})

        @dg.asset
        def other() -> None:
            pass

        assert dg.materialize([other], resources={"vendor": resource}).success


class TestDescription:
    def test_description_names_entry_plugin_and_purpose(self) -> None:
        resource = provider_resource("eu", VendorPlugin, {})
        assert resource.get_resource_definition().description == (
            "eu: plugin vendor 1\n\nFinds things at a vendor."
        )


class TestKeys:
    def test_key_is_the_name_as_an_identifier(self) -> None:
        assert resource_keys(["cuts", "whisper-base", "2nd"]) == {
            "cuts": "cuts",
            "whisper-base": "whisper_base",
            "2nd": "_2nd",
        }

    @pytest.mark.parametrize("names", [["a-b", "a_b"], ["pipeline"]])
    def test_equal_keys_are_refused(self, names: list[str]) -> None:
        with pytest.raises(ConfigurationError, match="Rename one"):
            resource_keys(names)
