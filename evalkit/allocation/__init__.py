"""Who gets which arm, and the log that shows when somebody has bent it."""
