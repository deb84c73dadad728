"""Where templates are found: the one around the current directory, and Backbeat's own."""

from pathlib import Path
from typing import Final

from backbeat_local.intrinsics import TemplateError

_NAME: Final = "template.yaml"


def find_template(directory: Path) -> Path:
    """Returns the template.yaml of `directory` or the nearest one above, else Backbeat's own.

    Raises:
        TemplateError: there is none.
    """
    for candidate in (directory, *directory.parents):
        if (found := candidate / _NAME).is_file():
            return found
    try:
        return own_template()
    except TemplateError:
        raise TemplateError(
            f"no template.yaml in {directory} or above; name one with --template"
        ) from None


def own_template() -> Path:
    """Returns the template of Backbeat itself: in its repository, or installed beside this.

    Raises:
        TemplateError: it is in neither place.
    """
    here = Path(__file__).resolve()
    for candidate in (*here.parents[4:5], here.parent / "stack"):
        if (found := candidate / _NAME).is_file() and (candidate / "functions").is_dir():
            return found
    raise TemplateError("Backbeat's own template is not installed")
