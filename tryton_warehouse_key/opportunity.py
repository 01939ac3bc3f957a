# SPDX-License-Identifier: GPL-3.0-or-later
"""`sale.opportunity` gets `external_id`: two records with one key cannot exist, whoever sends twice."""

from trytond.model import Unique, fields
from trytond.pool import PoolMeta


class SaleOpportunity(metaclass=PoolMeta):
    __name__ = "sale.opportunity"

    external_id = fields.Char("External ID", help="Key of the lead in the warehouse.")

    @classmethod
    def __setup__(cls):
        cls.external_id.search_unaccented = False
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints.append(
            ("external_id_uniq", Unique(table, table.external_id), "warehouse_key.msg_external_id_unique")
        )

    @classmethod
    def copy(cls, opportunities, default=None):
        return super().copy(opportunities, default={"external_id": None, **(default or {})})
