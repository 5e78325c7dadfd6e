"""What search stands on: a document of keys for each task, message and conversation, each user's vocabulary, and how
far through their change log both are.

Functions of the database keep all three (migrations/sql/0010_up.sql); nothing else writes them.
"""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Column, ForeignKeyConstraint, Index, Integer, Table, Text

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
    Index("ix_search_documents_keys", "keys", postgresql_using="gin"),
)
"""`keys` has those of the title first, `title_keys` of them. The id is that of what the document stands for."""

search_vocabulary = Table(
    "search_vocabulary",
    metadata,
    user_column(),
    Column("word", Text(collation="C"), primary_key=True),
    Column("marks", ARRAY(Integer), nullable=False),
    ForeignKeyConstraint(["user_id"], [f"{SCHEMA}.users.id"], ondelete="CASCADE"),
    Index("ix_search_vocabulary_marks", "marks", postgresql_using="gin"),
)
"""Words that a document of the user's holds or has held. `marks` are hashes by which a word is found that is written
another way: of its stem, of what is left of it without a letter, of its pairs of letters."""

search_positions = Table(
    "search_positions",
    metadata,
    user_column(),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    ForeignKeyConstraint(["user_id"], [f"{SCHEMA}.users.id"], ondelete="CASCADE"),
)
"""The last entry of the user's change log that documents and vocabulary know of; without a row: none."""
