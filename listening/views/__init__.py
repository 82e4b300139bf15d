"""Pure arithmetic over counts: every figure of a report comes from here, with its interval."""
