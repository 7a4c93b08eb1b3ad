"""Predictions of finished networks for photographs that they were not trained on."""
