"""From YAML to a Plan, with every mistake found at once."""
