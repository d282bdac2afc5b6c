"""What tests of the studio's server share: a studio, a browser that knows it, a project and a page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from studio_client import Browser, Page, studio

from data_samples import BrightHand
from handflow.studio.server import StudioServer


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StudioServer, Browser]]:
    with studio(tmp_path_factory.mktemp("studio"), make_landmarker=BrightHand) as both:
        yield both


@pytest.fixture(scope="module")
def server(served: tuple[StudioServer, Browser]) -> StudioServer:
    return served[0]


@pytest.fixture(scope="module")
def browser(served: tuple[StudioServer, Browser]) -> Browser:
    return served[1]


@pytest.fixture
def slug(browser: Browser) -> str:
    """An empty project."""
    return browser.project()


@pytest.fixture
def folder(server: StudioServer, slug: str) -> Path:
    """Where the project lies."""
    return server.folder / slug


@pytest.fixture
def page(browser: Browser, slug: str) -> Iterator[Page]:
    """A page of the project at the desk."""
    with browser.page(slug) as page:
        yield page
