"""Finished networks at work on photographs that they were not trained on."""
