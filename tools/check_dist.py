"""Checks the built sdist and wheel in a folder: size, no data inside, all of the package there."""

import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from check_files import complaint

MAX_BYTES = 5_000_000
KINDS = (".py", ".toml", ".onnx", ".html", ".css", ".js", ".json", ".svg")  # of files that the package has
ROOT = Path(__file__).resolve().parent.parent


def files_in(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file in a wheel (zip) or an sdist (tar)."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                yield name, wheel.read(name)
        return
    with tarfile.open(path) as sdist:
        for member in sdist.getmembers():
            content = sdist.extractfile(member)
            if content is not None:
                yield member.name, content.read()


def complaints(path: Path) -> list[str]:
    """What is wrong with one distribution, as lines."""
    found = []
    if path.stat().st_size > MAX_BYTES:
        found.append(f"has {path.stat().st_size / 1e6:.1f} MB, at most {MAX_BYTES / 1e6:.0f} are meant")
    files = dict(files_in(path))
    found += [f"holds {line}" for name, content in files.items() if (line := complaint(name, content))]
    package = ROOT / "src" / "handflow"
    parts = [p for p in sorted(package.rglob("*")) if p.suffix in KINDS]
    wanted = [p.relative_to(package.parent).as_posix() for p in parts]
    wanted += ["handflow/py.typed", "LICENSE", "THIRD_PARTY_NOTICES"]
    found += [f"lacks {name}" for name in wanted if not any(f"/{n}".endswith(f"/{name}") for n in files)]
    return [f"{path.name} {line}" for line in found]


def main(folder: Path) -> None:
    """Exits with 1 and one line per complaint, or prints the sizes."""
    built = sorted(folder.glob("*.whl")) + sorted(folder.glob("*.tar.gz"))
    if len(built) != 2:
        sys.exit(f"expected one wheel and one sdist in {folder}, found {[p.name for p in built]}")
    wrong = [line for path in built for line in complaints(path)]
    if wrong:
        sys.exit("\n".join(wrong))
    for path in built:
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
