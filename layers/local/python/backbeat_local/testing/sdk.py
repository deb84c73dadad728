"""The official SDK, which the test kit can do without."""

from types import ModuleType


class MissingSdk(ImportError):
    """Something was asked for that needs the official SDK."""


def metronome_sdk() -> ModuleType:
    """Returns the SDK's module.

    Raises:
        MissingSdk: it is not installed.
    """
    try:
        import metronome
    except ImportError as error:
        raise MissingSdk(
            "This needs the official Metronome SDK: pip install metronome-sdk"
            " (or backbeat[metronome]). `backbeat.http` works without it."
        ) from error
    return metronome
