"""What the performers of `keys` and `mouse` share: an injector of their own, made anew where it was lost."""

import logging
import threading
from abc import abstractmethod
from collections.abc import Callable

from handflow.act.action import Performer, SettingsT
from handflow.act.connections import KeyboardConnection
from handflow.act.inject import Injector, InjectorLostError, choose, open_injector, require
from handflow.types import GestureEvent

_LOG = logging.getLogger(__name__)


class InjectingPerformer(Performer[SettingsT]):
    """Performs by keyboard or mouse."""

    def __init__(
        self,
        connection: KeyboardConnection,
        opener: Callable[[KeyboardConnection], Injector] = open_injector,
    ) -> None:
        """Connects to nothing yet.

        Args:
            connection: the way that the bindings file asks for.
            opener: makes the injector.

        Raises:
            MissingExtraError: packages are missing.
        """
        require(connection)
        self._connection = connection
        self._opener = opener
        self._injector: Injector | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Opens keyboard and mouse, so that the first action is not late."""
        self._opened()

    def _opened(self) -> Injector:
        if self._injector is None:
            self._injector = self._opener(self._connection)
            _LOG.info("keys and mouse by %s", choose(self._connection).describe())
        return self._injector

    def perform(self, settings: SettingsT, event: GestureEvent) -> None:
        """Performs one action; nothing stays down, whatever happens."""
        try:
            self.inject(self._opened(), settings, event)
        except InjectorLostError:
            self.close()
            raise

    @abstractmethod
    def inject(self, injector: Injector, settings: SettingsT, event: GestureEvent) -> None:
        """Presses, moves and types what the settings say."""

    def wait(self, seconds: float) -> None:
        """Waits so long, but not once the program ends."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """Ends a wait: what is held comes up at once."""
        self._stopped.set()

    def close(self) -> None:
        """Lets go of everything that is down."""
        injector, self._injector = self._injector, None
        if injector is not None:
            injector.close()
