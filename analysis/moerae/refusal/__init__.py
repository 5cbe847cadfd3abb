"""Statistics of judged replies: how often a model refuses under a condition, and what that says beside its controls."""
