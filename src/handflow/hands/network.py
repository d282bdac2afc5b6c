"""One TFLite network on LiteRT."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from handflow.errors import ModelFileError
from handflow.types import Float32

log = logging.getLogger(__name__)


class Network:
    """Runs a TFLite network with one image input.

    Args:
        content: the `.tflite` file's bytes.
        threads: CPU threads of one call.

    Raises:
        ModelFileError: the content is no TFLite network.
    """

    def __init__(self, content: bytes, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            with _native_messages_to_log():
                self._interpreter: Any = Interpreter(model_content=content, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelFileError(f"a hand model cannot be loaded: {error}") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [o["index"] for o in self._interpreter.get_output_details()]

    def __call__(self, image: Float32) -> list[Float32]:
        """Runs on `image` float32 (1, side, side, 3), RGB in [0, 1]; returns the outputs in file order."""
        self._interpreter.set_tensor(self._input, image)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(o) for o in self._outputs]


@contextmanager
def _native_messages_to_log() -> Iterator[None]:
    """Sends what native code writes to stderr to the log: LiteRT greets there and has no switch for it."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as messages:
        kept = os.dup(2)
        try:
            os.dup2(messages.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            messages.seek(0)
            for line in messages.read().decode(errors="replace").splitlines():
                log.debug("%s", line)


def sigmoid(x: Float32) -> Float32:
    """Logistic function, safe for large values."""
    return (1 / (1 + np.exp(-np.clip(x, -80, 80)))).astype(np.float32)
