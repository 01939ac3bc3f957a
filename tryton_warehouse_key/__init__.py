# SPDX-License-Identifier: GPL-3.0-or-later
"""Tryton module: a unique key of the warehouse on each opportunity. Only trytond imports this package."""
