"""Actions of other packages, by entry points of really installed ones."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from act_servers import EVENT
from pydantic import ValidationError

from handflow.act.action import Performer
from handflow.act.actions.python import PYTHON, PythonSettings
from handflow.act.connections import Connections
from handflow.errors import ActionError

CONNECTIONS = Connections()
calls: list[object] = []  # what the packages of these tests were called with

LAMP = """
    from handflow.errors import ActionError
    from test_python_action import calls

    number = 3

    def flash(event, color="white", times=1):
        calls.append((event.gesture, color, times))

    def fail(event, text="burnt out"):
        raise KeyError(text)

    def leave(event):
        raise SystemExit(3)

    def complain(event):
        raise ActionError("the lamp is unplugged: plug it in")

    class Lamp:
        def __init__(self):
            self.count = 0

        def __call__(self, event, **settings):
            self.count += 1
            calls.append((self.count, settings))

        def close(self):
            calls.append("closed")

    class Broken(Lamp):
        def close(self):
            raise OSError("stuck")
"""
OFFERED = {
    "lamp": "handflow_test_lamp:flash",
    "counting": "handflow_test_lamp:Lamp",
    "broken": "handflow_test_lamp:Broken",
    "fails": "handflow_test_lamp:fail",
    "leaves": "handflow_test_lamp:leave",
    "complains": "handflow_test_lamp:complain",
    "number": "handflow_test_lamp:number",
    "absent": "handflow_test_lamp:nothing",
    "gone": "handflow_test_gone:flash",
}


def install(folder: Path, name: str, code: str, offered: dict[str, str]) -> None:
    """Installs a package into a folder, as pip leaves it."""
    (folder / f"{name}.py").write_text(textwrap.dedent(code))
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{entry} = {value}" for entry, value in offered.items()]
    (info / "entry_points.txt").write_text("\n".join(["[handflow.actions]", *lines, ""]))


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, with one that offers actions."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "handflow_test_lamp", raising=False)
    monkeypatch.setitem(sys.modules, "test_python_action", sys.modules[__name__])
    install(tmp_path, "handflow_test_lamp", LAMP, OFFERED)
    calls.clear()
    return tmp_path


@pytest.fixture
def python() -> Iterator[Performer[PythonSettings]]:
    performer = PYTHON.perform_by(CONNECTIONS)
    yield performer
    performer.close()


def settings(given: object) -> PythonSettings:
    return PythonSettings.model_validate(given)


def test_a_function_is_called_with_the_event_and_the_settings(python):
    python.perform(settings("lamp"), EVENT)
    python.perform(settings({"use": "lamp", "settings": {"color": "for {gesture}", "times": 2}}), EVENT)
    assert calls == [(EVENT.gesture, "white", 1), (EVENT.gesture, f"for {EVENT.gesture}", 2)]


def test_of_a_class_one_object_is_made_and_closed_at_the_end(python):
    for given in ({"use": 1}, {"event_of": "x"}):
        python.perform(settings({"use": "counting", "settings": given}), EVENT)
    python.close()
    assert calls == [(1, {"use": 1}), (2, {"event_of": "x"}), "closed"]


@pytest.mark.parametrize(
    ("use", "says"),
    [
        ("fails", r"^fails: KeyError: 'burnt out' \(handflow_test_lamp.py, line 11\)$"),
        ("leaves", r"^leaves: SystemExit: 3 \(handflow_test_lamp.py, line 14\)$"),
        ("complains", r"^the lamp is unplugged: plug it in$"),
        ("number", r"^number \(handflow_test_lamp:number\) is no function, nor a class with __call__$"),
        ("absent", r"^absent: AttributeError: .*nothing"),
        ("gone", r"^gone: ModuleNotFoundError: No module named 'handflow_test_gone'"),
        ("nobody", r"^no installed package offers the action 'nobody'; there are: .*lamp"),
    ],
)
def test_what_goes_wrong_in_foreign_code_is_told_and_ends_nothing(python, use, says):
    with pytest.raises(ActionError, match=says):
        python.perform(settings(use), EVENT)
    python.perform(settings("lamp"), EVENT)
    assert len(calls) == 1


def test_settings_that_it_does_not_know_are_told(python):
    asked = settings({"use": "lamp", "settings": {"colour": "red"}})
    with pytest.raises(
        ActionError, match=r"^lamp: TypeError: flash\(\) got an unexpected keyword argument 'colour'$"
    ):
        python.perform(asked, EVENT)


def test_a_secret_is_passed_on_but_not_told(python, monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cr3t-t0ken")
    python.perform(settings({"use": "lamp", "settings": {"color": "${TOKEN}"}}), EVENT)
    assert calls == [(EVENT.gesture, "s3cr3t-t0ken", 1)]
    with pytest.raises(ActionError, match=r"KeyError: '\$\{TOKEN\}'"):
        python.perform(settings({"use": "fails", "settings": {"text": "${TOKEN}"}}), EVENT)


def test_one_that_cannot_be_closed_does_not_keep_others_from_it(python, caplog):
    python.perform(settings("broken"), EVENT)
    python.perform(settings("counting"), EVENT)
    python.close()
    assert calls[-1] == "closed"
    assert "broken: OSError: stuck" in caplog.text


def test_a_module_of_no_entry_point_is_not_imported(python):
    for use in ("os:system", "handflow_test_lamp:flash", "os.system"):
        with pytest.raises(ActionError, match="no installed package offers the action"):
            python.perform(settings(use), EVENT)


def test_two_packages_that_offer_the_same_are_told(python, packages):
    install(packages, "handflow_test_other", "def flash(event): pass", {"lamp": "handflow_test_other:flash"})
    says = (
        "several packages offer the action lamp: uninstall all but one of handflow_test_lamp, handflow_test_"
    )
    (problem,) = PYTHON.problems(settings("lamp"), CONNECTIONS)
    assert problem == f"{says}other"
    with pytest.raises(ActionError, match=says):
        python.perform(settings("lamp"), EVENT)


def test_problems_import_nothing(monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    asked = settings({"use": "lamp", "settings": {"color": "${NOT_SET}"}})
    assert list(PYTHON.problems(settings("lamp"), CONNECTIONS)) == []
    assert list(PYTHON.problems(asked, CONNECTIONS)) == [
        "the environment variable NOT_SET is not set: export NOT_SET=…"
    ]
    (problem,) = PYTHON.problems(settings("lmap"), CONNECTIONS)
    assert problem.startswith("no installed package offers the action 'lmap'; there are: ")
    assert "handflow_test_lamp" not in sys.modules


def test_a_wrong_setting_is_told():
    for given in ("", {"use": "lamp", "color": "red"}, {}):
        with pytest.raises(ValidationError):
            settings(given)
