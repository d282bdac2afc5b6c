"""Acts on gesture events: a bindings file says which gesture performs which actions."""
