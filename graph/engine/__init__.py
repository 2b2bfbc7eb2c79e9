"""The state machine that runs a Plan."""
