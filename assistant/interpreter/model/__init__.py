"""How likely a sentence is a command, and which: a small linear model, trained by bench/understanding/train.py.

It knows kinds only ("add", "delete" …): what is to be added or deleted is for the grammar to read.
"""

from assistant.interpreter.model.features import BUCKETS, features, tokens
from assistant.interpreter.model.weights import KINDS, Model, load, probabilities

__all__ = ["BUCKETS", "KINDS", "Model", "features", "load", "probabilities", "tokens"]
