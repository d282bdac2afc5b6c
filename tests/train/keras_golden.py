"""What Keras answers, kept in `keras_golden.json`: `make golden` writes it anew by the peers' Keras."""

import ast
import json
from pathlib import Path
from typing import Any

import numpy as np

import handflow.bench

PEER = Path(handflow.bench.__file__).with_name("keras_peer.py")
GOLDEN = Path(__file__).with_name("keras_golden.json")


def golden() -> dict[str, Any]:
    """The answers of Keras for each case."""
    cases: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]
    return cases


def peer_definitions() -> dict[str, Any]:
    """Cases, weights and pictures of the peer's program, which itself cannot be imported without Keras."""
    wanted = {"CASES", "LABELS", "weights_like", "pictures"}
    tree = ast.parse(PEER.read_text(encoding="utf-8"))
    body = [
        node
        for node in tree.body
        if (isinstance(node, ast.FunctionDef) and node.name in wanted)
        or (isinstance(node, ast.Assign) and {t.id for t in node.targets if isinstance(t, ast.Name)} & wanted)
    ]
    names: dict[str, Any] = {"np": np}
    exec(compile(ast.Module(body, []), str(PEER), "exec"), names)
    return names
