"""Checks the built sdist and wheel: size, no data or weights inside, all of the package there."""

import sys
import tarfile
import zipfile
from pathlib import Path

MAX_BYTES = 5_000_000
FORBIDDEN = {
    ".tflite": "hand models are fetched by the user",
    ".task": "hand models are fetched by the user",
    ".onnx": "trained models are made by the user",
    ".safetensors": "trained models are made by the user",
    ".mp4": "videos are rendered when needed",
    ".npz": "landmarks are made when needed",
    ".pyc": "caches do not travel",
}


def names_in(path: Path) -> list[str]:
    """The files in a wheel (zip) or an sdist (tar)."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return wheel.namelist()
    with tarfile.open(path) as sdist:
        return [m.name for m in sdist.getmembers() if m.isfile()]


def complaints(path: Path, package: Path) -> list[str]:
    """What is wrong with one distribution, as lines; `package` is the folder it was built from."""
    names = names_in(path)
    found = []
    if path.stat().st_size > MAX_BYTES:
        found.append(
            f"{path.name} has {path.stat().st_size / 1e6:.1f} MB, at most {MAX_BYTES / 1e6:.0f} are meant"
        )
    found += [
        f"{path.name} holds {name}: {FORBIDDEN[Path(name).suffix]}"
        for name in names
        if Path(name).suffix in FORBIDDEN
    ]
    wanted = [p.relative_to(package.parent).as_posix() for p in sorted(package.rglob("*.py"))]
    wanted += [f"{package.name}/py.typed", "LICENSE", "THIRD_PARTY_NOTICES"]
    found += [f"{path.name} lacks {name}" for name in wanted if not any(n.endswith(name) for n in names)]
    return found


def main(folder: Path) -> None:
    """Exits with 1 and one line per complaint, or prints the sizes."""
    built = sorted(folder.glob("*.whl")) + sorted(folder.glob("*.tar.gz"))
    if len(built) != 2:
        sys.exit(f"expected one wheel and one sdist in {folder}, found {[p.name for p in built]}")
    package = Path(__file__).resolve().parent.parent / "src" / "handflow"
    wrong = [line for path in built for line in complaints(path, package)]
    if wrong:
        sys.exit("\n".join(wrong))
    for path in built:
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {len(names_in(path))} files")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
