"""Gathers the files the gateway answers with itself: the OpenAPI document and the page that shows it."""

from importlib.resources import files
from pathlib import Path

from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]

from gateway_config.places import OPENAPI_DOCUMENT

_OWN = ("docs.html", "docs.js")
_SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css")


def assemble_site(folder: Path) -> None:
    """Write the files that the placeholder `SITE_FOLDER` stands for into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _OWN:
        (folder / name).write_bytes(files("gateway_config").joinpath("site", name).read_bytes())
    for name in _SWAGGER_UI:
        (folder / name).write_bytes((Path(swagger_ui_path) / name).read_bytes())
    (folder / "openapi.json").write_bytes(OPENAPI_DOCUMENT.read_bytes())
