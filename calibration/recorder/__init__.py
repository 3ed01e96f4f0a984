# SPDX-License-Identifier: GPL-3.0-or-later
"""Records which experts a model chooses; used by record_routing.py."""
