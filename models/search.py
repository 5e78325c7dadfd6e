"""What search stands on: a document of keys for each task, message and conversation, and each user's vocabulary.

Triggers keep both (migrations/sql/0007_up.sql); nothing else writes them.
"""

from __future__ import annotations

from sqlalchemy import ARRAY, Column, ForeignKeyConstraint, Index, Integer, Table, Text

from models.base import SCHEMA, id_column, metadata, one_of, user_column
from models.enums import SearchKind

search_documents = Table(
    "search_documents",
    metadata,
    user_column(),
    id_column(),
    Column("kind", Text, nullable=False),
    Column("title_keys", Integer, nullable=False),
    Column("keys", ARRAY(Integer), nullable=False),
    ForeignKeyConstraint(["user_id"], [f"{SCHEMA}.users.id"], ondelete="CASCADE"),
    one_of("kind", SearchKind),
    Index("ix_search_documents_keys", "keys", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
)
"""`keys` has those of the title first, `title_keys` of them. The id is that of what the document stands for."""

search_vocabulary = Table(
    "search_vocabulary",
    metadata,
    user_column(),
    Column("word", Text(collation="C"), primary_key=True),
    Column("slips", ARRAY(Integer), nullable=False),
    ForeignKeyConstraint(["user_id"], [f"{SCHEMA}.users.id"], ondelete="CASCADE"),
    Index("ix_search_vocabulary_slips", "slips", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
)
"""Words of four letters and more that a document of the user's holds or has held."""
