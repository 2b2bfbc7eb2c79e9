"""Piggy (Leat): loyalty and cashback for shops."""
