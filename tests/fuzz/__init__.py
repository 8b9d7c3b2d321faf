"""Fuzzing: ``__main__`` looks for cases (``make fuzz``), ``test_corpus`` tries those found."""
