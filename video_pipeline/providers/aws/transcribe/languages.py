"""The languages of Amazon Transcribe, and its code for an ISO 639 code.

The codes are those of the service's model in botocore; a test compares. Elsewhere in the project a
language is named by the first element of its code: `en` for `en-GB`.
"""

from collections.abc import Mapping

# The enumeration LanguageCode in botocore 1.44.5.
CODES = frozenset(
    {
        *("ab-GE", "af-ZA", "am-ET", "ar-AE", "ar-SA", "ast-ES", "az-AZ", "ba-RU", "be-BY"),
        *("bg-BG", "bn-IN", "bs-BA", "ca-ES", "ckb-IQ", "ckb-IR", "cs-CZ", "cy-GB", "cy-WL"),
        *("da-DK", "de-CH", "de-DE", "el-GR", "en-AB", "en-AU", "en-GB", "en-IE", "en-IN"),
        *("en-NZ", "en-US", "en-WL", "en-ZA", "es-ES", "es-MX", "es-US", "et-EE", "et-ET"),
        *("eu-ES", "fa-AF", "fa-IR", "fi-FI", "fr-CA", "fr-FR", "ga-IE", "gd-GB", "gl-ES"),
        *("gu-IN", "ha-NG", "he-IL", "hi-IN", "hr-HR", "ht-HT", "hu-HU", "hy-AM", "id-ID"),
        *("is-IS", "it-IT", "ja-JP", "jv-ID", "ka-GE", "kab-DZ", "kk-KZ", "km-KH", "kn-IN"),
        *("ko-KR", "ky-KG", "lg-IN", "lt-LT", "lv-LV", "mhr-RU", "mi-NZ", "mk-MK", "ml-IN"),
        *("mn-MN", "mr-IN", "ms-MY", "mt-MT", "my-MM", "ne-NP", "nl-NL", "no-NO", "or-IN"),
        *("pa-IN", "pl-PL", "ps-AF", "pt-BR", "pt-PT", "ro-RO", "ru-RU", "rw-RW", "si-LK"),
        *("sk-SK", "sl-SI", "so-SO", "sq-AL", "sr-RS", "su-ID", "sv-SE", "sw-BI", "sw-KE"),
        *("sw-RW", "sw-TZ", "sw-UG", "ta-IN", "te-IN", "th-TH", "tl-PH", "tr-TR", "tt-RU"),
        *("ug-CN", "uk-UA", "uz-UZ", "vi-VN", "wo-SN", "zh-CN", "zh-HK", "zh-TW", "zu-ZA"),
    }
)

# The default code of a language with several: by the likely subtags of CLDR, except Arabic, where
# it is Modern Standard Arabic.
_USUAL = {
    **{"ar": "ar-SA", "ckb": "ckb-IQ", "cy": "cy-GB", "de": "de-DE", "en": "en-US"},
    **{"es": "es-ES", "et": "et-EE", "fa": "fa-IR", "fr": "fr-FR", "pt": "pt-BR"},
    **{"sw": "sw-TZ", "zh": "zh-CN"},
}

# In which personal data can be redacted in a batch job: developer guide, "Redacting PII in your
# batch job", and its document history of 2026-05-01, read in November 2026.
REDACTED = frozenset(
    {"de-CH", "de-DE", "en-US", "es-US", "fr-CA", "fr-FR", "it-IT", "pt-BR", "pt-PT"}
)

# Written without blanks between words.
UNSPACED = frozenset({"ja", "km", "my", "th", "zh"})


def iso(code: str) -> str:
    """Return the ISO 639 code of one of the service's codes."""
    return code.partition("-")[0]


LANGUAGES = frozenset(map(iso, CODES))


def code_of(language: str, dialects: Mapping[str, str]) -> str | None:
    """Return the service's code of a language given as `en` or `en-GB`, None for an unknown one.
    `dialects` chooses among several codes of a language."""
    if language in CODES:
        return language
    only = [code for code in CODES if iso(code) == language]
    return dialects.get(language) or _USUAL.get(language) or (only[0] if only else None)
