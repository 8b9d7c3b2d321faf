"""What is asked over HTTP: callbacks in, metrics and pages out."""
