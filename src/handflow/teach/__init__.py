"""From a few clips of each gesture to a model, in a second; what it says to who teaches it. No torch."""

from handflow.teach.advice import Advice, advise
from handflow.teach.folder import Taught, TeachConfig, teach_model

__all__ = ["Advice", "Taught", "TeachConfig", "advise", "teach_model"]
